//! The house's one-way arrows (README, code tour): who may import whom.

use std::collections::{BTreeMap, BTreeSet};

const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("infra", &["domain"]),
    ("solvers", &["infra", "domain"]),
    ("api", &["solvers", "infra", "domain"]),
    ("auction", &["infra", "domain"]),
    ("settlement", &["infra", "domain"]),
    ("gavel", &["api", "auction", "settlement", "solvers", "infra", "domain"]),
    ("tests", &["gavel", "api", "auction", "settlement", "solvers", "infra", "domain"]),
];

/// What would make a pure rule impure.
const NOT_IN_DOMAIN: &[&str] =
    &["tokio", "sqlx", "redis", "actix-web", "reqwest", "alloy", "tracing", "getrandom", "rand"];

fn direct_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(tests::repo::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let names = |package: &cargo_metadata::Package| {
        let normal =
            |d: &&cargo_metadata::Dependency| d.kind == cargo_metadata::DependencyKind::Normal;
        package.dependencies.iter().filter(normal).map(|d| d.name.clone()).collect()
    };
    metadata.packages.iter().map(|p| (p.name.to_string(), names(p))).collect()
}

#[test]
fn crates_import_only_along_the_arrows() {
    let found = direct_dependencies();
    let ours: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), ours);
    for (name, allowed) in ALLOWED {
        for dependency in found[*name].iter().filter(|d| ours.contains(d.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not import {dependency}");
        }
    }
}

#[test]
fn the_domain_has_no_io() {
    let found = direct_dependencies();
    for forbidden in NOT_IN_DOMAIN {
        assert!(!found["domain"].contains(*forbidden), "domain must not depend on {forbidden}");
    }
}

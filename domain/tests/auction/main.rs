//! `tests/vectors/auction`: auctions with the decisions that the rules give them, for every
//! implementation of the rules. What is expected was reasoned out by hand, as each vector says; only
//! ids and hashes are made: `GAVEL_WRITE_VECTORS=1 cargo test --workspace --test auction`.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fairness;
mod judge;
mod limits;
mod scenario;
mod sets;
mod ties;

use std::path::PathBuf;

use serde_json::Value;

use self::scenario::Scenario;

fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/auction");
    folder.join(format!("{name}.json"))
}

fn files() -> Vec<(&'static str, Vec<Scenario>)> {
    vec![
        ("cow", fairness::cow()),
        ("fairness", fairness::more()),
        ("limits", limits::limits()),
        ("second_pass", limits::second_pass()),
        ("sets", sets::sets()),
        ("ties", ties::ties()),
        ("timeboost", ties::timeboost()),
    ]
}

fn read(name: &str) -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

#[test]
fn every_vector_is_decided_as_was_reasoned() {
    for (name, _) in files() {
        for vector in read(name) {
            judge::judge(&vector);
        }
    }
}

#[test]
fn the_vectors_are_those_of_the_scenarios() {
    for (name, scenarios) in files() {
        let made: Vec<Value> = scenarios.iter().map(Scenario::vector).collect();
        if std::env::var_os("GAVEL_WRITE_VECTORS").is_some() {
            std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            std::fs::write(path(name), serde_json::to_string_pretty(&made).unwrap() + "\n")
                .unwrap();
        }
        assert!(made == read(name), "{name}.json is not what the scenarios make");
    }
}

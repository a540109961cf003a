//! Whatever is put in, nothing panics, hangs or overflows: decisions over markets of absurd numbers,
//! and records that somebody tampered with. The seed is fixed, so a failure comes again;
//! `GAVEL_FUZZ_CASES=100000 cargo test --workspace --test fuzz` looks further.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod decision;
mod market;
mod record;

use proptest::test_runner::{Config, RngSeed};

/// More of the same cases, where the environment asks for them.
pub(crate) fn config(cases: u32) -> Config {
    let asked = std::env::var("GAVEL_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    Config {
        cases: asked.unwrap_or(cases),
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::default()
    }
}

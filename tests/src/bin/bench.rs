//! `make bench`: every measurement, as a table and in `target/bench/summary.json`.
#![allow(clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match tests::bench::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench failed: {error}");
            ExitCode::FAILURE
        }
    }
}

//! `make bench`: every measurement, as a table and in `target/bench/summary.json`.
#![allow(clippy::print_stderr, reason = "a program for people")]

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Measures, and writes target/bench/summary.json.
#[derive(Parser)]
struct Args {
    /// Only parts with a row whose name contains this.
    filter: Option<String>,
    /// Measure nothing; write auctions with our solutions there, for tests/compare/highs.py.
    #[arg(long, value_name = "DIR")]
    write_instances: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.write_instances {
        Some(folder) => tests::bench::write_instances(folder),
        None => tests::bench::run(args.filter.as_deref()).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench failed: {error}");
            ExitCode::FAILURE
        }
    }
}

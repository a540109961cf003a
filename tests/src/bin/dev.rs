//! `make dev` and `make demo`: the whole system on one machine.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tests::dev;

/// The whole system on one machine, for trying and for building against.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts everything with a small order flow and stays until Ctrl-C.
    Up,
    /// Starts everything, follows one intent until it is filled, and stops.
    Demo,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Up => dev::up().await,
        Command::Demo => dev::demo().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error}");
            ExitCode::FAILURE
        }
    }
}

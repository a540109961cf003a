//! The one binary of Gavel.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    gavel::cli::main(gavel::cli::Cli::parse())
}

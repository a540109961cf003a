//! What the exit code says.

use std::process::ExitCode;

/// Done, or stopped as asked.
pub const OK: u8 = 0;
/// It ran and failed.
pub const FAILED: u8 = 1;
/// The command line is wrong (clap's own code).
pub const USAGE: u8 = 2;
/// A check found a difference.
pub const DIFFERS: u8 = 3;
/// The configuration, a key or a URL is wrong: starting again changes nothing.
pub const CONFIG: u8 = 78;
/// A store or the node is not reachable: starting again may help.
pub const UNAVAILABLE: u8 = 69;

/// An error for people, with its exit code.
#[derive(Debug)]
pub struct Exit {
    code: u8,
    reason: String,
}

impl Exit {
    /// Ends with `code` and says why on standard error.
    #[must_use]
    pub fn new(code: u8, reason: impl std::fmt::Display) -> Self {
        Self { code, reason: reason.to_string() }
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// The sentence.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Says the reason, if there is one, and gives the code.
#[allow(clippy::print_stderr, reason = "the last word of a command, logs may be off")]
pub fn report(outcome: Result<(), Exit>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::from(OK),
        Err(exit) => {
            eprintln!("gavel: {}", exit.reason);
            ExitCode::from(exit.code)
        }
    }
}

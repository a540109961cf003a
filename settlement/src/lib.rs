#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod decide;
pub mod deploy;
mod error;
pub mod fees;
mod fills;
mod header;
pub mod key;
mod ledger;
mod node;
mod observe;
mod outcome;
mod record;
mod run;
mod send;
pub mod tx;
mod undo;
mod view;
mod worker;

pub use error::{SettlementError, StartError};
pub use header::CorruptBatch;
pub use node::{Head, LaneSlot, Node};
pub use outcome::OutcomeError;
pub use run::{drive, run, settings, start};
pub use worker::{Progress, Settings, Worker};

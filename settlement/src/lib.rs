#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod broadcast;
pub mod decide;
pub mod deploy;
mod drive;
mod error;
pub mod fees;
mod fills;
mod header;
mod index;
pub mod key;
mod ledger;
mod node;
mod observe;
mod outcome;
mod record;
mod retry;
mod run;
mod send;
mod settlers;
mod strike;
pub mod tx;
mod undo;
mod view;
mod wake;
mod worker;

pub use drive::drive;
pub use error::{SettlementError, StartError, Unfit};
pub use header::CorruptBatch;
pub use index::{IndexError, IndexSettings, Indexer, Walked, index};
pub use node::{Head, LaneSlot, Node};
pub use outcome::OutcomeError;
pub use run::{node, run, settings, start};
pub use worker::{Progress, Settings, Worker};

//! The auction's rules (design §4): pure functions of what was recorded.
//!
//! - [`OpeningRecord`] and [`Cut`]: what is bid on, fixed by a hash before the first bid (A7);
//! - [`ReceivedBid`], [`bids_root`]: what was received, fixed by a root before the first score (A8);
//! - [`check`]: the rules for one bid (A2) and its score (A1);
//! - [`Deliberation`]: fairness among valid bids (A3), the best set (A4) in an order nobody can
//!   choose (A5), pairs without a reference price after it (A9), and what the auction would have come
//!   to without each winner (A6); [`decide`] and [`decide_without`] are its short forms, the latter
//!   also after a simulation (A10);
//! - [`Retrial`]: the auction once more over what failed on chain (A12);
//! - [`insights`]: what that meant for each intent;
//! - [`AuctionRecord`]: all of it, what is public when (A11), and the check that it is consistent.
//!
//! Prices (A9) are what the opening record says, whoever found them.

// a dropped bid's reason holds numbers for its solver to read; it is an outcome, stored for every
// bid, and not an error on its way up
#![allow(clippy::result_large_err)]

mod check;
mod decide;
#[cfg(test)]
mod fixture;
mod insight;
pub mod opening;
pub mod pack;
pub mod params;
mod record;
mod refusal;
mod runner_up;
mod shares;
mod simulation;
mod standing;
mod stream;
#[cfg(test)]
mod tests;

pub use check::{MAX_SCORE, check};
pub use decide::{
    Decision, Deliberation, PairDecision, Reference, Ruling, Verdict, decide, decide_without,
};
pub use insight::{InsightReason, IntentInsight, Offer, insights};
pub use opening::{Cut, CutError, OpeningRecord};
pub use params::{MAX_NODES, Params};
pub use record::{
    Announced, AuctionRecord, Closing, Contents, Lineage, LineageFault, PublicRecord, RecordFault,
    RecordedBid, VERSION as RECORD_VERSION,
};
pub use refusal::{DropReason, LeftOut, Scarce};
pub use runner_up::{Ending, Grounds, RUNNER_UP_BLOCKS, Retrial, RunnerUp, left_unfilled};
pub use shares::Shares;
pub use simulation::{MAX_ROUNDS, MAX_TX_GAS, Simulation, SimulationDrop, discredited, leave_out};
pub use standing::{SolverStanding, Standings};
pub use stream::{BidLeaf, ReceivedBid, bid_leaves, bids_root, bids_tree};

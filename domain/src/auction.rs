//! The auction's rules (design §4): pure functions of what was recorded.

mod check;
mod decide;
mod insight;
pub mod opening;
pub mod params;
mod refusal;
mod standing;
mod stream;

pub use check::check;
pub use decide::{Decision, Ruling, Verdict, decide, decide_without};
pub use insight::{InsightReason, IntentInsight, Offer, insights};
pub use opening::{Cut, CutError, OpeningRecord, SolverBond};
pub use params::Params;
pub use refusal::DropReason;
pub use standing::{SolverStanding, Standings};
pub use stream::{BidLeaf, ReceivedBid, bid_leaves, bids_root, bids_tree};

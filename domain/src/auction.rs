//! The auction's rules (design §4): pure functions of what was recorded.

mod check;
mod decide;
#[cfg(test)]
mod fixture;
mod insight;
mod load;
pub mod opening;
mod order;
mod pack;
pub mod params;
mod price;
mod refusal;
mod score;
mod standing;
mod stream;
#[cfg(test)]
mod tests;
mod winners;

pub use check::check;
pub use decide::{Decision, Ruling, Verdict, decide, decide_without};
pub use insight::{InsightReason, IntentInsight, Offer, insights};
pub use opening::{Cut, CutError, OpeningRecord, SolverBond};
pub use params::Params;
pub use refusal::DropReason;
pub use score::MAX_SCORE;
pub use standing::{SolverStanding, Standings};
pub use stream::{BidLeaf, ReceivedBid, bid_leaves, bids_root, bids_tree};

//! `gavel replay`: recorded auctions decided again, with a stopwatch: how fast, how good, what a
//! greedy auction would have made of the same bids, and how one solver's bids did.
//!
//! What a solver needs to evaluate itself is in the exported records: its own bids with their
//! verdicts, and everybody else's.

mod args;
mod measure;
mod own;
mod records;
mod run;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use args::ReplayArgs;
pub(crate) use run::run;

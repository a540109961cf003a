//! Winner determination (design A4): the best set of items that share limited rows.
//!
//! Nothing here knows of bids. An item has a weight and takes part of some rows; a row has a
//! capacity. Sets are ordered by total weight, then by the smallest sorted list of item numbers;
//! so callers number items in their order of preference. The search is exact, in integers and
//! counted in nodes, so that anybody can repeat it. The node budget can end it in between: then the
//! set is a good one, the bound says how good, and of sets of equal weight any may have been found.
//! Weight comes first: the bound may be met, and the order of sets still be unsettled.
//!
//! 1. [`reduce`]: what cannot win leaves, level by level; on markets four fifths of the bids.
//! 2. What is left falls into components that share no row; [`component`] takes each by itself.
//! 3. [`lift`]: cliques grow by what excludes all of them. Measured on the DEX-like mix: with it
//!    prices alone prove nearly every optimum, without it hundreds of nodes were left to search.
//! 4. [`dual`]: prices of the rows give a bound, and items that cost too much leave.
//! 5. [`search`]: branch and bound for what is still undecided, a few items mostly.
//!
//! What was tried for the bound, on 10,000 bids: coordinate descent to the middle comes within
//! 0.01 % of the optimum in 50 sweeps, extrapolated in 25; smoothed by a falling temperature it
//! ended at 0.2 %. For a first set: greedy by weight, or a dive
//! along the prices, cost more than all the rest; solving what a guess at the gap leaves gives
//! the best set and its proof at once, when the guess holds.

mod component;
mod core;
mod dual;
mod frame;
mod lift;
mod live;
mod packer;
mod packing;
mod problem;
mod reduce;
mod search;
mod solve;
mod state;
#[cfg(test)]
mod tests;

pub use packer::Packer;
pub use problem::{Problem, RowSpec};

/// A set of items, as good as the node budget allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solution {
    /// The items, ascending.
    pub items: Vec<usize>,
    /// Their weights added up.
    pub weight: i128,
    /// No set weighs more than this.
    pub bound: i128,
    /// Nodes visited.
    pub nodes: u64,
    /// Whether these are the preferred ones of all sets of this weight. The budget can end after the
    /// weight is proven and before that is.
    pub ties_settled: bool,
}

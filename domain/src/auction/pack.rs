//! Winner determination (design A4): the best set of items that share limited rows.
//!
//! Nothing here knows of bids. An item has a weight and takes part of some rows; a row has a
//! capacity. Sets are ordered by total weight, then by the smallest sorted list of item numbers;
//! so callers number items in their order of preference. The search is exact: it falls apart into
//! components that share no row, each solved by branch and bound over prices of the rows
//! (Lagrange multipliers), in integers and counted in nodes, so that anybody can repeat it.

mod dual;
mod greedy;
mod problem;
mod search;
mod split;
mod state;
#[cfg(test)]
mod tests;

pub(super) use greedy::Packing;
pub(super) use problem::{Problem, RowSpec};
pub(super) use split::solve;

/// A set of items, as good as the node budget allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Solution {
    /// The items, ascending.
    pub(super) items: Vec<usize>,
    /// Their weights added up.
    pub(super) weight: i128,
    /// No set weighs more than this.
    pub(super) bound: i128,
    /// Nodes visited.
    pub(super) nodes: u64,
}

//! Instances as the winner determination takes them.

use alloy::primitives::U256;
use domain::auction::{
    Params,
    pack::{Packer, Problem, RowSpec, Solution},
};

use crate::instances::Instance;

/// Weights and rows, not yet looked at.
pub(super) struct Input {
    weights: Vec<i128>,
    rows: Vec<RowSpec>,
}

/// A built problem.
pub(super) struct Engine {
    packer: Packer,
    bids: usize,
}

/// A set of bids with what was proven of it.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    pub(super) items: Vec<usize>,
    pub(super) weight: u64,
    pub(super) bound: u64,
}

impl Input {
    pub(super) fn of(auction: &Instance) -> Self {
        let weights = auction.weights.iter().map(|weight| i128::from(*weight)).collect();
        let row = |row: &crate::instances::Row| RowSpec {
            capacity: U256::from(row.capacity),
            uses: row.uses.iter().map(|(bid, amount)| (*bid, U256::from(*amount))).collect(),
            global: false,
        };
        Self { weights, rows: auction.rows.iter().map(row).collect() }
    }

    pub(super) fn build(self) -> Engine {
        let bids = self.weights.len();
        Engine { packer: Packer::new(Problem::new(self.weights, self.rows)), bids }
    }
}

impl Engine {
    /// The best set, with the node budget auctions have.
    pub(super) fn decide(&mut self) -> Solved {
        self.within(Params::default().node_budget)
    }

    pub(super) fn within(&mut self, nodes: u64) -> Solved {
        Solved::of(self.packer.solve(&vec![true; self.bids], nodes))
    }

    /// The best set without one solver's bids.
    pub(super) fn without(&mut self, auction: &Instance, solver: u32) -> Solved {
        let active: Vec<bool> = auction.solvers.iter().map(|other| *other != solver).collect();
        Solved::of(self.packer.weigh(&active, Params::default().node_budget))
    }
}

impl Solved {
    fn of(solution: Solution) -> Self {
        let whole = |weight: i128| u64::try_from(weight).unwrap_or(u64::MAX);
        Self { weight: whole(solution.weight), bound: whole(solution.bound), items: solution.items }
    }

    /// How far the optimum could lie above it, as a share of it; zero where it is proven.
    pub(super) fn gap(&self) -> f64 {
        let gap = self.bound.saturating_sub(self.weight);
        if gap == 0 { 0.0 } else { gap as f64 / self.weight.max(1) as f64 }
    }
}

/// The solvers with a winner, ascending.
pub(super) fn winning_solvers(auction: &Instance, solved: &Solved) -> Vec<u32> {
    let mut solvers: Vec<u32> = solved.items.iter().map(|bid| auction.solvers[*bid]).collect();
    solvers.sort_unstable();
    solvers.dedup();
    solvers
}

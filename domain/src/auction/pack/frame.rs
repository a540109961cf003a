//! What the parts of a solution pass to each other.

use super::{
    reduce::{Counts, Levels, signed},
    state::State,
};

/// Nodes to visit.
#[derive(Debug)]
pub(super) struct Effort {
    pub(super) budget: u64,
    pub(super) nodes: u64,
    /// Whether something was left unvisited for want of nodes.
    pub(super) ended: bool,
    /// Whether it matters which of several best sets is found.
    pub(super) ties: bool,
    /// Whether the rows of the whole batch count.
    pub(super) globals: bool,
}

impl Effort {
    /// Counts a node: one for every started hundred live items, so that the budget bounds the work
    /// however many bids there are. False if there is none left.
    ///
    /// With the rows of the whole batch, which every item has a part in, it counts four times as much,
    /// and not less than for half of the component. A batch that is full up to the last gap is a
    /// knapsack: with many bids its proof takes more nodes than there ever are. (Measured at 1,000
    /// bids: counted as without those rows, sets weigh 0.001 % more, and the slowest decisions take
    /// three times as long.)
    pub(super) fn node(&mut self, state: &State<'_>) -> bool {
        if self.nodes >= self.budget {
            self.ended = true;
            return false;
        }
        let counted = if self.globals {
            state.lives.max(state.core.len() / 2).div_ceil(25)
        } else {
            state.lives.div_ceil(100)
        };
        self.nodes += counted.max(1) as u64;
        true
    }
}

/// A set of a core.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) taken: Vec<u32>,
    pub(super) worth: i128,
    /// No set is worth more.
    pub(super) bound: i128,
}

/// A set of items and what it is worth.
pub(super) type Set = (i128, Vec<u32>);

/// The reductions around a component, innermost first.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) levels: &'a Levels,
    pub(super) around: Option<&'a Frame<'a>>,
    /// The component's items, in the numbers of the levels' core.
    pub(super) items: &'a [u32],
}

impl Frame<'_> {
    /// Of two sets of the component that are worth the same, whether the first comes before the
    /// second in the order of sets; see [`Levels`].
    pub(super) fn prefers(&self, these: &[u32], those: &[u32]) -> bool {
        self.difference(these, those).first().is_some_and(|(_, count)| *count > 0)
    }

    /// Items of the problem that two sets of the component make a difference to.
    pub(super) fn difference(&self, these: &[u32], those: &[u32]) -> Counts {
        self.lower(signed(these, those))
    }

    pub(super) fn lower(&self, mut counts: Counts) -> Counts {
        for (item, _) in &mut counts {
            *item = self.items[*item as usize];
        }
        let counts = self.levels.lower(counts);
        match self.around {
            Some(around) => around.lower(counts),
            None => counts,
        }
    }

    /// An item's number in the problem.
    pub(super) fn origin(&self, item: u32) -> u32 {
        let item = self.levels.below(self.items[item as usize]);
        self.around.map_or(item, |around| around.origin(item))
    }
}

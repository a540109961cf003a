//! One packing of candidates: who wins, and what the others were short of.

use super::{
    field::{Candidate, Field},
    room::Room,
    winners::{FILL_BITS, rows, score_of, weight},
};
use crate::auction::pack::{Packer, Problem, Solution};

/// Candidates that are decided together, in one unit of score.
#[derive(Debug)]
pub(super) struct Pass {
    /// Their numbers, ascending: items of the packing in the same order.
    pub(super) items: Vec<usize>,
    packer: Packer,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Won,
    /// The numbers of winners that it excludes: the lightest ones of every limit it would exceed.
    Lost(Vec<usize>),
}

/// A solution's numbers, in the unit of the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) score: u128,
    /// How far the best set could at most lie above it.
    pub(super) gap: u128,
    pub(super) nodes: u64,
}

impl Total {
    pub(super) fn of(solution: &Solution) -> Self {
        let score = score_of(solution.weight);
        let gap = score_of(solution.bound).saturating_sub(score);
        Self { score, gap, nodes: solution.nodes }
    }
}

impl Pass {
    /// `items` are ascending, and each of them fits `room` by itself; `score` has at most 88 bits.
    pub(super) fn new<'a>(
        field: &Field<'a>,
        items: Vec<usize>,
        score: impl Fn(&Candidate<'a>) -> u128,
        room: &Room,
    ) -> Self {
        let candidates = items.iter().map(|item| &field.candidates[*item]);
        let weights = candidates.map(|candidate| weight(score(candidate), candidate));
        let problem = Problem::new(weights.collect(), rows(field, &items, room));
        Self { items, packer: Packer::new(problem.with_minor_bits(FILL_BITS)) }
    }

    /// The best set of the items that `may` win, visiting at most `budget` nodes.
    pub(super) fn solve(&mut self, may: &[bool], budget: u64) -> Solution {
        self.packer.solve(may, budget)
    }

    /// The same, where only the score is asked for.
    pub(super) fn weigh(&mut self, may: &[bool], budget: u64) -> Solution {
        self.packer.weigh(may, budget)
    }

    /// What became of every item that may win.
    pub(super) fn fates(&self, solution: &Solution, may: &[bool]) -> Vec<Option<Fate>> {
        let blockers = self.packer.blockers(&solution.items);
        let fate = |((item, may), blockers): ((usize, &bool), Vec<usize>)| {
            if !may {
                return None;
            }
            if solution.items.binary_search(&item).is_ok() {
                return Some(Fate::Won);
            }
            let blockers = blockers.into_iter().map(|blocker| self.items[blocker]);
            Some(Fate::Lost(blockers.collect()))
        };
        may.iter().enumerate().zip(blockers).map(fate).collect()
    }
}

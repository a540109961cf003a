//! One problem, asked several times.

use super::{
    Problem, Solution,
    component::Tuning,
    core::Core,
    packing::Packing,
    solve::{Warm, solve},
};

/// A problem whose items can be left out: the first solution is what the others start from.
#[derive(Debug)]
pub struct Packer {
    problem: Problem,
    tuning: Tuning,
    /// What was asked first, and the answer.
    first: Option<(Vec<bool>, Solution)>,
    /// What was learned, without the rows of the whole batch and with them.
    warm: [Option<Warm>; 2],
}

impl Packer {
    /// Nothing is solved yet.
    #[must_use]
    pub const fn new(problem: Problem) -> Self {
        Self::tuned(problem, Tuning::MARKET)
    }

    pub(super) const fn tuned(problem: Problem, tuning: Tuning) -> Self {
        Self { problem, tuning, first: None, warm: [None, None] }
    }

    /// The best set of the items that are `active`, visiting at most `budget` nodes.
    ///
    /// If it is proven (`bound` is `weight`) its weight is the same whatever was asked before, and
    /// if moreover `ties_settled`, so are its items. Otherwise they depend on the first question,
    /// and on nothing that was asked in between.
    pub fn solve(&mut self, active: &[bool], budget: u64) -> Solution {
        if let Some((asked, solution)) = &self.first
            && asked == active
        {
            return solution.clone();
        }
        let first = self.first.is_none();
        let solution = self.anew(active, budget, first);
        if first {
            self.first = Some((active.to_vec(), solution.clone()));
        }
        solution
    }

    /// Mostly the best set by the rows of intents and owners fits the batch; only where it does
    /// not the rows of the whole batch have to be part of the search.
    fn anew(&mut self, active: &[bool], budget: u64, learn: bool) -> Solution {
        let [free, bound] = &mut self.warm;
        let solve = |globals, budget, warm: &Option<Warm>| {
            solve(&self.problem, active, globals, budget, warm.as_ref(), self.tuning)
        };
        let (solution, warm) = solve(false, budget, free);
        if learn {
            *free = Some(warm);
        }
        if self.problem.batch_holds(&solution.items) {
            return solution;
        }
        let budget = budget.saturating_sub(solution.nodes);
        let (mut narrow, warm) = solve(true, budget, bound);
        if learn {
            *bound = Some(warm);
        }
        narrow.bound = narrow.bound.min(solution.bound);
        narrow.nodes += solution.nodes;
        narrow
    }

    /// For every item outside of a set that fits, the items inside that would have to leave for
    /// it: of every row it would exceed the lightest ones, as few as are enough. In the order of
    /// the items; nothing for those inside.
    #[must_use]
    pub fn blockers(&self, set: &[usize]) -> Vec<Vec<usize>> {
        let all = vec![true; self.problem.len()];
        let core = Core::first(&self.problem, &all, true);
        let packing = Packing::of(&self.problem, &core, set.iter().map(|item| *item as u32));
        let mut found = Vec::new();
        let mut blockers = |item: u32| {
            found.clear();
            if !packing.holds(item) {
                packing.blockers(item, &mut found);
            }
            found.iter().map(|other| *other as usize).collect()
        };
        (0..self.problem.len() as u32).map(&mut blockers).collect()
    }
}

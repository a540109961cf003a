//! One problem, asked several times.

use super::{
    Problem, Solution,
    component::Tuning,
    core::Core,
    packing::Packing,
    solve::{Question, Warm, solve},
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
        if let Some(solution) = self.answered(active) {
            return solution;
        }
        let first = self.first.is_none();
        let question = Question { active, globals: false, ties: true, budget };
        let solution = self.anew(question, first);
        if first {
            self.first = Some((active.to_vec(), solution.clone()));
        }
        solution
    }

    /// The same, where only the weight is asked for: of several best sets any may be found. (Settling
    /// which one takes a third of the time of the references of 1,000 bids.)
    pub fn weigh(&mut self, active: &[bool], budget: u64) -> Solution {
        let question = Question { active, globals: false, ties: false, budget };
        self.answered(active).unwrap_or_else(|| self.anew(question, false))
    }

    /// The answer to the first question, if this is the same.
    fn answered(&self, active: &[bool]) -> Option<Solution> {
        let (_, solution) = self.first.as_ref().filter(|(asked, _)| asked == active)?;
        Some(solution.clone())
    }

    /// Mostly the best set by the rows of intents and owners fits the batch; only where it does
    /// not the rows of the whole batch have to be part of the search.
    fn anew(&mut self, question: Question<'_>, learn: bool) -> Solution {
        let [free, bound] = &mut self.warm;
        let solve = |question: Question<'_>, warm: &Option<Warm>| {
            solve(&self.problem, question, warm.as_ref(), self.tuning)
        };
        let (solution, warm) = solve(question, free);
        if learn {
            *free = Some(warm);
        }
        if self.problem.batch_holds(&solution.items) {
            return solution;
        }
        let budget = question.budget.saturating_sub(solution.nodes);
        let (mut narrow, warm) = solve(Question { globals: true, budget, ..question }, bound);
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

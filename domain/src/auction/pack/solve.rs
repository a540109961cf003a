//! From a problem to its best set: reductions, then component by component.

use std::cmp::Reverse;

use super::{
    Solution,
    component::Tuning,
    core::Core,
    dual::Dual,
    frame::{Effort, Found, Frame},
    packing::Packing,
    problem::Problem,
    reduce::Levels,
};

/// What one solution teaches the next ones: they start from its prices and its set.
#[derive(Clone, Debug)]
pub(super) struct Warm {
    price: Vec<i128>,
    inside: Vec<bool>,
}

/// What is asked of a problem.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) active: &'a [bool],
    /// Whether the rows of the whole batch count.
    pub(super) globals: bool,
    /// Whether it matters which of several best sets is found.
    pub(super) ties: bool,
    /// Nodes to visit.
    pub(super) budget: u64,
}

/// The best of the active items.
pub(super) fn solve(
    problem: &Problem,
    question: Question<'_>,
    warm: Option<&Warm>,
    tuning: Tuning,
) -> (Solution, Warm) {
    let Question { active, globals, ties, budget } = question;
    let rows = problem.rows.len();
    let mut solver = Solver {
        problem,
        price: warm.map_or_else(|| vec![0; rows], |warm| warm.price.clone()),
        offset: vec![0; rows],
        priced: warm.is_some(),
        inside: warm.map_or_else(|| vec![false; problem.len()], |warm| warm.inside.clone()),
        effort: Effort { budget, nodes: 0, ended: false, ties, globals },
        tuning,
    };
    let found = solver.core(Core::first(problem, active, globals), None, true);
    let found = if found.bound > found.worth {
        at_least_greedy(problem, active, globals, found)
    } else {
        found
    };
    let mut inside = vec![false; problem.len()];
    for item in &found.taken {
        inside[*item as usize] = true;
    }
    let solution = Solution {
        items: found.taken.iter().map(|item| *item as usize).collect(),
        weight: found.worth,
        bound: found.bound,
        nodes: solver.effort.nodes,
        ties_settled: ties && !solver.effort.ended,
    };
    let price = solver.price.iter().zip(&solver.offset).map(|(price, offset)| price + offset);
    (solution, Warm { price: price.collect(), inside })
}

/// Whatever the budget: not less than taking the heaviest first, of equal weights the preferred one,
/// with the minor bits of weights or without, by these rows or by all of them. (Neither order is
/// always the better one, nor are fewer rows.)
pub(super) fn at_least_greedy(
    problem: &Problem,
    active: &[bool],
    globals: bool,
    mut found: Found,
) -> Found {
    let core = Core::first(problem, active, globals);
    let all = if globals { None } else { Some(Core::first(problem, active, true)) };
    for minor in [0, problem.minor] {
        let mut order: Vec<u32> = (0..core.len() as u32).collect();
        order.sort_unstable_by_key(|item| (Reverse(core.profit[*item as usize] >> minor), *item));
        for rows in std::iter::once(&core).chain(&all) {
            let packing = Packing::of(problem, rows, order.iter().copied());
            if packing.worth() > found.worth {
                let items = packing.items().into_iter();
                found.taken = items.map(|item| core.below[item as usize]).collect();
                found.worth = packing.worth();
            }
        }
    }
    found
}

pub(super) struct Solver<'a> {
    pub(super) problem: &'a Problem,
    /// The prices of the problem's rows, above what defaults took off them.
    pub(super) price: Vec<i128>,
    offset: Vec<i128>,
    /// Whether the prices are worth starting from.
    pub(super) priced: bool,
    /// The best set so far, to start from.
    pub(super) inside: Vec<bool>,
    pub(super) effort: Effort,
    pub(super) tuning: Tuning,
}

impl Solver<'_> {
    /// The best set of a core, in the numbers below it. `guess`: see [`Self::component`].
    fn core(&mut self, core: Core, around: Option<&Frame<'_>>, guess: bool) -> Found {
        let levels = match around {
            Some(frame) => Levels::new(self.problem, core, &|counts| frame.lower(counts)),
            None => Levels::new(self.problem, core, &|counts| counts),
        };
        for (row, worth) in levels.defaults() {
            let price = &mut self.price[row as usize];
            *price = (*price - worth).max(0);
            self.offset[row as usize] += worth;
        }
        let mut taken = Vec::new();
        let (mut worth, mut bound) = (levels.base, levels.base);
        // small ones first: one that takes all the nodes there are leaves none of them unproven
        let mut components = levels.core.components();
        components.sort_by_key(Vec::len);
        for items in components {
            let frame = Frame { levels: &levels, around, items: &items };
            let part = levels.core.restrict(self.problem, &items, &levels.core.profit);
            let found = self.component(&part, &frame, guess);
            taken.extend(found.taken.iter().map(|item| items[*item as usize]));
            worth += found.worth;
            bound += found.bound;
        }
        Found { taken: levels.whole(&taken), worth, bound }
    }

    /// The best set of `keep`, which are fewer, starting from `dual`.
    pub(super) fn without(
        &mut self,
        core: &Core,
        frame: &Frame<'_>,
        dual: &Dual,
        keep: &[u32],
        guess: bool,
    ) -> Found {
        for (n, row) in core.rows.iter().enumerate() {
            self.price[row.origin as usize] = dual.price(n);
        }
        let fewer = core.restrict(self.problem, keep, &core.profit);
        let priced = std::mem::replace(&mut self.priced, true);
        let found = self.core(fewer, Some(frame), guess);
        self.priced = priced;
        found
    }

    /// What defaults took off the prices of a core's rows so far.
    pub(super) fn offsets(&self, core: &Core) -> Vec<i128> {
        core.rows.iter().map(|row| self.offset[row.origin as usize]).collect()
    }

    /// Puts back into the prices of a core's rows what was taken off since.
    pub(super) fn put_back(&mut self, core: &Core, offsets: &[i128]) {
        for (row, before) in core.rows.iter().zip(offsets) {
            let row = row.origin as usize;
            self.price[row] += self.offset[row] - before;
            self.offset[row] = *before;
        }
    }
}

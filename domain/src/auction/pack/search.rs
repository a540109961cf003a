//! Branch and bound over one component.

use super::{
    Solution,
    dual::{Priced, Prices},
    greedy::Packing,
    problem::Problem,
    state::State,
};

/// Steps towards better prices before the first branch, and at every node after it.
const ROOT_STEPS: u32 = 160;
const NODE_STEPS: u32 = 6;

/// The best set of `problem`, visiting at most `budget` nodes.
pub(super) fn search(problem: &Problem, budget: u64) -> Solution {
    let mut search = Search::new(problem, budget);
    let weight = |item: usize| problem.weights[item];
    let rows = |item: usize| problem.uses(item).len().max(1) as i128;
    search.offer(Packing::of(problem, by_key(problem, weight)));
    search.offer(Packing::of(problem, by_key(problem, |item| weight(item) / rows(item))));
    search.run(problem, true)
}

/// The same by branching alone: what tests of the bounds want.
#[cfg(test)]
pub(super) fn from_nothing(problem: &Problem, budget: u64) -> Solution {
    Search::new(problem, budget).run(problem, false)
}

/// Items in descending order of a key, the preferred one first among equals.
fn by_key(problem: &Problem, key: impl Fn(usize) -> i128) -> Vec<usize> {
    let mut order: Vec<usize> = (0..problem.len()).collect();
    order.sort_by_key(|item| (std::cmp::Reverse(key(*item)), *item));
    order
}

struct Search {
    /// Every weight is a multiple of this, and so is every set's.
    unit: i128,
    budget: u64,
    nodes: u64,
    /// What a node counts: one for every started hundred items, so that the budget bounds the work
    /// however many bids there are.
    price: u64,
    best: Vec<usize>,
    best_weight: i128,
    /// The largest bound of what the budget left unvisited.
    open_bound: i128,
    /// Whether the first improvement is enough.
    first: bool,
    done: bool,
}

impl Search {
    fn new(problem: &Problem, budget: u64) -> Self {
        Self {
            unit: problem.weights.iter().fold(0, |unit, weight| gcd(unit, *weight)).max(1),
            budget,
            nodes: 0,
            price: problem.len().div_ceil(100) as u64,
            best: Vec::new(),
            best_weight: 0,
            open_bound: 0,
            first: false,
            done: false,
        }
    }

    fn run(mut self, problem: &Problem, offer: bool) -> Solution {
        let mut state = State::new(problem);
        let mut prices = Prices::start(&state);
        let mut root = Priced::default();
        prices.improve(&state, self.best_weight, ROOT_STEPS, &mut root);
        if offer {
            self.offer(Packing::of(problem, by_key(problem, |item| root.margin[item])));
        }
        self.explore(&mut state, &prices, root.clone());
        let bound = self.open_bound.max(self.best_weight);
        if bound == self.best_weight {
            self.settle_ties(&mut state, &prices, &root);
        }
        Solution { items: self.best, weight: self.best_weight, bound, nodes: self.nodes }
    }

    fn offer(&mut self, mut packing: Packing<'_>) {
        packing.polish();
        if packing.weight() > self.best_weight {
            self.best_weight = packing.weight();
            self.best = packing.items();
        }
    }

    /// Visits every completion of `state` that could beat the best set. `at` is what `prices`
    /// prove about it. One frame stands for a chain of exclusions, so the depth is the number of
    /// items taken in.
    fn explore(&mut self, state: &mut State<'_>, prices: &Prices, mut at: Priced) {
        let entry = state.mark();
        let mut prices = prices.clone();
        loop {
            if self.done || !self.promising(at.bound) {
                break;
            }
            if self.nodes >= self.budget {
                self.open_bound = self.open_bound.max(at.bound);
                break;
            }
            self.nodes += self.price;
            if self.fix(state, &at) {
                prices.apply(state, &mut at);
                continue;
            }
            let Some(item) = heaviest(state) else {
                self.best = state.taken();
                self.best_weight = state.weight;
                self.done = self.first;
                break;
            };
            let here = state.mark();
            state.take(item);
            let mut child = prices.clone();
            let mut below = Priced::default();
            child.improve(state, self.threshold(), NODE_STEPS, &mut below);
            self.explore(state, &child, below);
            state.back(here);
            state.leave(item);
            prices.improve(state, self.threshold(), NODE_STEPS, &mut at);
        }
        state.back(entry);
    }

    /// A bound up to this one proves that there is nothing better.
    fn threshold(&self) -> i128 {
        self.best_weight + self.unit - 1
    }

    fn promising(&self, bound: i128) -> bool {
        bound > self.threshold()
    }

    /// Decides the items whose other decision the prices rule out. True if there were any.
    fn fix(&self, state: &mut State<'_>, at: &Priced) -> bool {
        let before = state.mark();
        for item in 0..state.problem.len() {
            if !state.is_live(item) || self.promising(at.bound - at.margin[item].abs()) {
                continue;
            }
            if at.margin[item] > 0 {
                state.take(item);
            } else {
                state.leave(item);
            }
        }
        state.mark() > before
    }

    /// Of all sets that weigh as much as the best one, finds the one whose sorted list of items is
    /// the smallest: item by item, is there such a set with it?
    fn settle_ties(&mut self, state: &mut State<'_>, prices: &Prices, root: &Priced) {
        let weight = self.best_weight;
        let mut at = Priced::default();
        for item in 0..state.problem.len() {
            if !state.is_live(item) {
                continue;
            }
            if self.best.binary_search(&item).is_ok() {
                state.take(item);
                continue;
            }
            if root.bound + root.margin[item].min(0) < weight || self.nodes >= self.budget {
                state.leave(item);
                continue;
            }
            let here = state.mark();
            state.take(item);
            prices.apply(state, &mut at);
            let before = std::mem::take(&mut self.best);
            (self.best_weight, self.first, self.done) = (weight - self.unit, true, false);
            self.explore(state, prices, at.clone());
            if !self.done {
                self.best = before;
                state.back(here);
                state.leave(item);
            }
            self.best_weight = weight;
        }
    }
}

/// The heaviest live item: with it in, most is ruled out, and without it most is lost. (Measured
/// against the largest and the smallest margin: ten times fewer nodes on hard packings.)
fn heaviest(state: &State<'_>) -> Option<usize> {
    let weights = &state.problem.weights;
    state.live_items().max_by_key(|item| (weights[*item], std::cmp::Reverse(*item)))
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

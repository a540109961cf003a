//! Branch and bound over one component: what prices and reductions left undecided.

use std::cmp::Reverse;

use super::{
    core::Core,
    dual::Dual,
    frame::{Effort, Found, Frame, Set},
    problem::Problem,
    reduce::merged,
    state::State,
};

/// Rounds of prices at every node.
const NODE_ROUNDS: u32 = 3;
/// How much a margin speaks against branching on an item.
const INDIFFERENT: i128 = 16;

/// The best set of `core`, if the effort lasts, and no worse than `first`; of several the preferred one
/// if the effort is for ties too. With `among`, of the sets
/// that hold one of those items at least, if that is better than `first`.
pub(super) fn search(
    problem: &Problem,
    core: &Core,
    frame: &Frame<'_>,
    dual: Dual,
    first: Set,
    among: Option<&[u32]>,
    effort: &mut Effort,
) -> Found {
    let mut state = State::new(problem, core);
    let (best_worth, best) = first;
    let unit = core.profit.iter().fold(0, |unit, profit| gcd(unit, *profit)).max(1);
    let mut search = Search { unit, best, best_worth, open: 0, ties: false, frame };
    search.explore(&mut state, dual.clone(), among, effort);
    let bound = search.open.max(search.best_worth);
    if bound == search.best_worth && effort.ties {
        search.ties = true;
        search.explore(&mut state, dual, among, effort);
    }
    Found { taken: search.best, worth: search.best_worth, bound }
}

struct Search<'a> {
    /// Every profit is a multiple of this, and so is every set's.
    unit: i128,
    best: Vec<u32>,
    best_worth: i128,
    /// The largest bound of what was left unvisited.
    open: i128,
    /// Whether the best worth is known, and the preferred set of that worth is looked for.
    ties: bool,
    frame: &'a Frame<'a>,
}

impl Search<'_> {
    /// Visits every completion of `state` that could beat the best set. One call stands for a
    /// chain of exclusions, so the depth is the number of items taken in.
    fn explore(
        &mut self,
        state: &mut State<'_>,
        mut dual: Dual,
        among: Option<&[u32]>,
        effort: &mut Effort,
    ) {
        let entry = state.mark();
        while self.promising(dual.bound()) {
            if !effort.node(state) {
                if !self.ties {
                    self.open = self.open.max(dual.bound());
                }
                break;
            }
            if self.fix(state, &dual) {
                dual.refresh(state);
                continue;
            }
            if self.ties && !self.could_be_preferred(state) {
                break;
            }
            // one that prices say must be in stands for sets that nobody looked at yet
            let among = among.filter(|among| among.iter().all(|item| !state.is_in(*item)));
            let Some(item) = self.branch(state, &dual, among) else {
                if among.is_none() {
                    self.offer(state);
                }
                break;
            };
            let here = state.mark();
            state.take(item);
            let mut child = dual.clone();
            self.improve(state, &mut child);
            self.explore(state, child, None, effort);
            state.back(here);
            state.leave(item);
            self.improve(state, &mut dual);
        }
        state.back(entry);
    }

    /// Nothing is left to decide.
    fn offer(&mut self, state: &State<'_>) {
        let taken = state.taken();
        let better = if self.ties {
            state.worth == self.best_worth && self.frame.prefers(&taken, &self.best)
        } else {
            state.worth > self.best_worth
        };
        if better {
            self.best_worth = state.worth;
            self.best = taken;
        }
    }

    fn improve(&self, state: &State<'_>, dual: &mut Dual) {
        dual.refresh(state);
        for _ in 0..NODE_ROUNDS {
            if self.promising(dual.bound()) {
                dual.advance(state);
            }
        }
    }

    fn promising(&self, bound: i128) -> bool {
        let least = if self.ties { self.best_worth } else { self.best_worth + self.unit };
        bound >= least
    }

    /// Decides the items whose other decision the prices rule out. True if there were any.
    fn fix(&self, state: &mut State<'_>, dual: &Dual) -> bool {
        let before = state.mark();
        for item in 0..state.core.len() as u32 {
            let margin = dual.margin(item);
            if !state.is_live(item) || self.promising(dual.bound() - margin.abs()) {
                continue;
            }
            if margin > 0 {
                state.take(item);
            } else {
                state.leave(item);
            }
        }
        state.mark() > before
    }

    /// The item worth most about which the prices are indifferent: with it in, most is ruled out, and
    /// without it most is lost. (Measured against worth alone and the smallest margin alone, on the
    /// DEX-like mix and the CATS families at 200 bids: as many nodes or up to a fifth fewer.) Among sets of one
    /// worth those with the preferred items come first.
    fn branch(&self, state: &State<'_>, dual: &Dual, among: Option<&[u32]>) -> Option<u32> {
        if let Some(among) = among {
            let live = among.iter().copied().filter(|item| state.is_live(*item));
            return live.max_by_key(|item| (dual.margin(*item), Reverse(*item)));
        }
        if self.ties {
            return state.live_items().next();
        }
        let profit = &state.core.profit;
        let key = |item: &u32| {
            (profit[*item as usize] - INDIFFERENT * dual.margin(*item).abs(), Reverse(*item))
        };
        state.live_items().max_by_key(key)
    }

    /// Whether some completion could come before the best set in the order of sets: if it had all
    /// that live items can bring in, and nothing that they push out.
    fn could_be_preferred(&self, state: &State<'_>) -> bool {
        let mut counts = self.frame.difference(&state.taken(), &self.best);
        for item in state.live_items() {
            let effect = self.frame.difference(&[item], &[]);
            counts.extend(effect.into_iter().filter(|(_, count)| *count > 0));
        }
        merged(counts).first().is_some_and(|(_, count)| *count > 0)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

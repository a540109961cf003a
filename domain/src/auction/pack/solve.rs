//! From a problem to its best set: reductions, components, prices, and a search for what is left.

use std::cmp::Reverse;

use super::{
    Solution,
    core::Core,
    dual::Dual,
    lift::lifted,
    packing::Packing,
    problem::Problem,
    reduce::{Counts, Levels, signed},
    search::search,
    state::State,
};

/// Nodes to visit.
#[derive(Debug)]
pub(super) struct Effort {
    budget: u64,
    nodes: u64,
}

impl Effort {
    /// Counts a node with so many live items: one for every started hundred, so that the budget
    /// bounds the work however many bids there are. False if there is none left.
    pub(super) fn node(&mut self, lives: usize) -> bool {
        if self.nodes >= self.budget {
            return false;
        }
        self.nodes += lives.div_ceil(100).max(1) as u64;
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
    levels: &'a Levels,
    around: Option<&'a Frame<'a>>,
    /// The component's items, in the numbers of the levels' core.
    items: &'a [u32],
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

    fn lower(&self, mut counts: Counts) -> Counts {
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
    fn origin(&self, item: u32) -> u32 {
        let item = self.levels.below(self.items[item as usize]);
        self.around.map_or(item, |around| around.origin(item))
    }
}

/// What one solution teaches the next ones: they start from its prices and its set.
#[derive(Clone, Debug)]
pub(super) struct Warm {
    price: Vec<i128>,
    inside: Vec<bool>,
}

/// The best of the active items, without the rows of the whole batch or with them.
pub(super) fn solve(
    problem: &Problem,
    active: &[bool],
    globals: bool,
    budget: u64,
    warm: Option<&Warm>,
) -> (Solution, Warm) {
    let rows = problem.rows.len();
    let mut solver = Solver {
        problem,
        price: warm.map_or_else(|| vec![0; rows], |warm| warm.price.clone()),
        offset: vec![0; rows],
        priced: warm.is_some(),
        inside: warm.map_or_else(|| vec![false; problem.len()], |warm| warm.inside.clone()),
        effort: Effort { budget, nodes: 0 },
    };
    let first = Core::first(problem, active, globals);
    let found = solver.core(first.clone(), None, true);
    let found =
        if found.bound > found.worth { at_least_greedy(problem, &first, found) } else { found };
    let mut inside = vec![false; problem.len()];
    for item in &found.taken {
        inside[*item as usize] = true;
    }
    let solution = Solution {
        items: found.taken.iter().map(|item| *item as usize).collect(),
        weight: found.worth,
        bound: found.bound,
        nodes: solver.effort.nodes,
    };
    let price = solver.price.iter().zip(&solver.offset).map(|(price, offset)| price + offset);
    (solution, Warm { price: price.collect(), inside })
}

/// Whatever the budget: not less than taking the heaviest first.
fn at_least_greedy(problem: &Problem, core: &Core, found: Found) -> Found {
    let mut order: Vec<u32> = (0..core.len() as u32).collect();
    order.sort_unstable_by_key(|item| (Reverse(core.profit[*item as usize]), *item));
    let mut packing = Packing::of(problem, core, order);
    packing.polish();
    if packing.worth() <= found.worth {
        return found;
    }
    let taken = packing.items().into_iter().map(|item| core.below[item as usize]).collect();
    Found { taken, worth: packing.worth(), bound: found.bound }
}

struct Solver<'a> {
    problem: &'a Problem,
    /// The prices of the problem's rows, above what defaults took off them.
    price: Vec<i128>,
    offset: Vec<i128>,
    /// Whether the prices are worth starting from.
    priced: bool,
    /// The best set so far, to start from.
    inside: Vec<bool>,
    effort: Effort,
}

/// Components up to this size are searched at once.
const SMALL: usize = 12;
/// Rounds of prices before a component is taken as it is.
const ROUNDS: usize = 48;
/// A guess is made once three rounds gain less than one in 2^13 of the bound, and takes nothing
/// for certain that is nearer than one in 2^16.
const COARSE: u32 = 13;
const FINE: u32 = 16;
/// Rounds of prices after a guess was wrong, from what was learned of the rest.
const LEARN: usize = 4;

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
        for items in levels.core.components() {
            let frame = Frame { levels: &levels, around, items: &items };
            let part = levels.core.restrict(self.problem, &items, &levels.core.profit);
            let found = self.component(&part, &frame, guess);
            taken.extend(found.taken.iter().map(|item| items[*item as usize]));
            worth += found.worth;
            bound += found.bound;
        }
        Found { taken: levels.whole(&taken), worth, bound }
    }

    /// The best set of items that hang together.
    ///
    /// Prices are improved until most items stand out: those that cost more than they are worth,
    /// by more than the prices can still be wrong. How wrong they are is guessed from how they
    /// changed last. Without those items the rest falls apart, is reduced and solved; if the
    /// set found is worth what was guessed at least, the guess was right and the set is the best.
    /// If not, it is a set to start from, and only what prices prove is left out.
    fn component(&mut self, core: &Core, frame: &Frame<'_>, guess: bool) -> Found {
        let lifted = core.lifted(&lifted(core), &mut self.price);
        let core = &lifted;
        let state = State::new(self.problem, core);
        let mut dual =
            if self.priced { Dual::from(&state, &self.price) } else { Dual::new(&state) };
        let mut best = (0, Vec::new());
        if core.len() <= SMALL {
            self.offer(core, &mut best, dual.order(&state));
            return search(self.problem, core, frame, dual, best, None, &mut self.effort);
        }
        if guess && let Some((doubt, keep)) = settle(&state, &mut dual) {
            let floor = dual.bound() - doubt;
            let taken_off: Vec<i128> = self.offsets(core);
            let found = self.without(core, frame, &dual, &keep, true);

            if found.worth >= floor {
                return found;
            }
            self.put_back(core, &taken_off);
            let mut learned = Dual::from(&state, &self.price);
            for _ in 0..LEARN {
                learned.advance(&state);
            }
            if learned.bound() < dual.bound() {
                dual = learned;
            }
            let gap = dual.bound() - found.worth;
            let others = (0..core.len() as u32).filter(|item| keep.binary_search(item).is_err());
            let others: Vec<u32> = others.filter(|item| dual.margin(*item) + gap >= 0).collect();
            best = (found.worth, found.taken);
            if others.len() * 8 <= core.len() {
                let found_bound = found.bound;
                let found =
                    search(self.problem, core, frame, dual, best, Some(&others), &mut self.effort);
                return Found { bound: found.bound.max(found_bound), ..found };
            }
        }
        self.prove(core, frame, dual, best)
    }

    /// What defaults took off the prices of a core's rows so far.
    fn offsets(&self, core: &Core) -> Vec<i128> {
        core.rows.iter().map(|row| self.offset[row.origin as usize]).collect()
    }

    /// Puts back into the prices of a core's rows what was taken off since.
    fn put_back(&mut self, core: &Core, offsets: &[i128]) {
        for (row, before) in core.rows.iter().zip(offsets) {
            let row = row.origin as usize;
            self.price[row] += self.offset[row] - before;
            self.offset[row] = *before;
        }
    }

    /// The best set of a component, step by step: a good set, better prices, and what they leave.
    fn prove(&mut self, core: &Core, frame: &Frame<'_>, mut dual: Dual, mut best: Set) -> Found {
        let state = State::new(self.problem, core);
        let mut top = dual.clone();
        let known = (0..core.len() as u32).filter(|item| self.inside[frame.origin(*item) as usize]);
        let known: Vec<u32> = known.chain(dual.order(&state)).collect();
        self.offer(core, &mut best, known);
        let mut stale = 0;
        for round in 0..ROUNDS {
            if round % 8 == 7 || (round == 0 && top.bound() > best.0) {
                self.offer(core, &mut best, dive(State::new(self.problem, core), dual.clone()));
            }
            let gap = top.bound() - best.0;
            let keep = keep(core, &top, gap);
            if keep.len() * 8 <= core.len() * 7 {
                return self.narrowed(core, frame, &top, &keep, best);
            }
            if gap <= 0 || stale == 4 {
                break;
            }
            dual.clone_from(&top);
            if stale > 0 {
                dual.step(&state, best.0);
            }
            dual.advance(&state);
            let gained = top.bound() - dual.bound();
            stale = if gained * 20 < gap { stale + 1 } else { 0 };
            if gained > 0 {
                top.clone_from(&dual);
            }
        }
        search(self.problem, core, frame, top, best, None, &mut self.effort)
    }

    /// The best set, which is among `keep` if there is one worth more than `best`.
    fn narrowed(
        &mut self,
        core: &Core,
        frame: &Frame<'_>,
        dual: &Dual,
        keep: &[u32],
        best: Set,
    ) -> Found {
        for item in 0..core.len() as u32 {
            let inside = best.1.binary_search(&item).is_ok();
            self.inside[frame.origin(item) as usize] = inside;
        }
        let found = self.without(core, frame, dual, keep, false);
        let bound = found.bound.max(best.0);
        if found.worth >= best.0 {
            Found { bound, ..found }
        } else {
            Found { taken: best.1, worth: best.0, bound }
        }
    }

    /// Takes items in this order, exchanges what gains, and keeps the set if it is the best yet.
    fn offer(&self, core: &Core, best: &mut Set, order: Vec<u32>) {
        let mut packing = Packing::of(self.problem, core, order);
        packing.polish();
        if packing.worth() > best.0 {
            *best = (packing.worth(), packing.items());
        }
    }

    /// The best set of `keep`, which are fewer, starting from `dual`.
    fn without(
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
}

/// Improves prices until a good part of the items stands out: how much too high the bound may
/// still be, as far as its last changes tell, and the items that this leaves.
fn settle(state: &State<'_>, dual: &mut Dual) -> Option<(i128, Vec<u32>)> {
    let mut recent = [dual.bound(); 3];
    for round in 0..ROUNDS {
        recent[round % recent.len()] = dual.advance(state).max(0);
        let gained: i128 = recent.iter().sum();
        if gained > dual.bound() >> COARSE {
            continue;
        }
        let doubt = 2 * gained + (dual.bound() >> FINE);
        let keep = keep(state.core, dual, doubt);
        if keep.len() * 4 <= state.core.len() * 3 {
            return Some((doubt, keep));
        }
        if gained <= dual.bound() >> (FINE + 4) {
            break;
        }
    }
    None
}

/// The items that can be part of a set that is worse than the bound by `doubt`.
fn keep(core: &Core, dual: &Dual, doubt: i128) -> Vec<u32> {
    (0..core.len() as u32).filter(|item| dual.margin(*item) + doubt >= 0).collect()
}

/// Items in the order in which prices suggest them, a few at a time, the prices set again after
/// each lot.
fn dive(mut state: State<'_>, mut dual: Dual) -> Vec<u32> {
    let mut order = Vec::new();
    while state.lives > 0 {
        let mut lot = dual.order(&state);
        lot.truncate((lot.len() / 6).max(1));
        for item in lot {
            if state.is_live(item) {
                state.take(item);
                order.push(item);
            }
        }
        dual.refresh(&state);
        dual.sweep(&state);
    }
    order
}

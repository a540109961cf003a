//! The best set of items that hang together.

use super::{
    core::Core,
    dual::Dual,
    frame::{Found, Frame, Set},
    lift::lifted,
    packing::Packing,
    search::search,
    solve::Solver,
    state::State,
};

/// Rounds of prices before a component is taken as it is.
const ROUNDS: usize = 48;
/// Rounds of prices after a guess was wrong, from what was learned of the rest.
const LEARN: usize = 4;

/// When to do what. The set found depends on none of it, if the effort lasts; tests set it so that
/// even few items take every path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuning {
    /// Components up to this size are searched at once.
    pub(super) small: usize,
    /// A guess is made once three rounds gain less than one in 2^`coarse` of the bound, and takes
    /// nothing for certain that is nearer than one in 2^`fine` and so many times that gain.
    pub(super) coarse: u32,
    pub(super) fine: u32,
    pub(super) caution: i128,
    /// After a wrong guess the others that remain possible are searched by themselves if they are
    /// at most one in so many.
    pub(super) few: usize,
}

impl Tuning {
    pub(super) const MARKET: Self = Self { small: 12, coarse: 13, fine: 16, caution: 2, few: 8 };
}

impl Solver<'_> {
    /// The best set of a component.
    ///
    /// Prices are improved until most items stand out: those that cost more than they are worth,
    /// by more than the prices can still be wrong. How wrong they are is guessed from how they
    /// changed last. Without those items the rest falls apart, is reduced and solved; see
    /// [`Self::guessed`]. Where nothing stands out, or guessing is over, what prices prove is all
    /// there is; see [`Self::prove`].
    pub(super) fn component(&mut self, core: &Core, frame: &Frame<'_>, guess: bool) -> Found {
        let core = &core.lifted(&lifted(core), &mut self.price);
        let state = State::new(self.problem, core);
        let mut dual =
            if self.priced { Dual::from(&state, &self.price) } else { Dual::new(&state) };
        if core.len() <= self.tuning.small {
            let mut best = (0, Vec::new());
            self.offer(core, &mut best, dual.order(&state));
            return search(self.problem, core, frame, dual, best, None, &mut self.effort);
        }
        let doubtful = if guess { self.settle(&state, &mut dual) } else { None };
        match doubtful {
            Some(doubtful) => self.guessed(core, frame, dual, &doubtful),
            None => self.prove(core, frame, dual, (0, Vec::new())),
        }
    }

    /// Solves the items that the prices leave, if their bound is wrong by no more than was guessed.
    ///
    /// If the set found is worth as much as a set with any other item could be, it is the best. If
    /// not, prices that know the set tell which of the others still could be part of a better one;
    /// mostly none, and else only sets with one of those are searched.
    fn guessed(
        &mut self,
        core: &Core,
        frame: &Frame<'_>,
        dual: Dual,
        doubtful: &Doubtful,
    ) -> Found {
        let Doubtful { doubt, keep } = doubtful;
        let taken_off = self.offsets(core);
        let found = self.without(core, frame, &dual, keep, true);
        if found.worth >= dual.bound() - doubt {
            return found;
        }
        self.put_back(core, &taken_off);
        let state = State::new(self.problem, core);
        let mut learned = Dual::from(&state, &self.price);
        for _ in 0..LEARN {
            learned.advance(&state);
        }
        let dual = if learned.bound() < dual.bound() { learned } else { dual };
        let gap = dual.bound() - found.worth;
        let possible = self::keep(core, &dual, gap);
        let others: Vec<u32> =
            possible.into_iter().filter(|item| keep.binary_search(item).is_err()).collect();
        let best = (found.worth, found.taken);
        if others.len() * self.tuning.few > core.len() {
            return self.prove(core, frame, dual, best);
        }
        let better = search(self.problem, core, frame, dual, best, Some(&others), &mut self.effort);
        Found { bound: better.bound.max(found.bound), ..better }
    }

    /// The best set of a component, step by step: a good set, better prices, and what they leave. After
    /// a wrong guess its set is the one to start from, and nothing has to be dived for yet.
    fn prove(&mut self, core: &Core, frame: &Frame<'_>, mut dual: Dual, mut best: Set) -> Found {
        let state = State::new(self.problem, core);
        let mut top = dual.clone();
        let cold = best.0 == 0;
        let mut known = if cold { self.known(core, frame) } else { best.1.clone() };
        known.extend(dual.order(&state));
        self.offer(core, &mut best, known);
        let mut stale = 0;
        for round in 0..ROUNDS {
            if round % 8 == 7 || (cold && round == 0 && top.bound() > best.0) {
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

    /// The component's items that were in the best set the last time.
    fn known(&self, core: &Core, frame: &Frame<'_>) -> Vec<u32> {
        let known = |item: &u32| self.inside[frame.origin(*item) as usize];
        (0..core.len() as u32).filter(known).collect()
    }

    /// Improves prices until a good part of the items stands out: how much too high the bound may
    /// still be, as far as its last changes tell, and the items that this leaves.
    fn settle(&self, state: &State<'_>, dual: &mut Dual) -> Option<Doubtful> {
        let Tuning { coarse, fine, caution, .. } = self.tuning;
        let mut recent = if self.priced { [0; 3] } else { [dual.bound(); 3] };
        for round in 0..ROUNDS {
            recent[round % recent.len()] = dual.advance(state).max(0);
            let gained: i128 = recent.iter().sum();
            if gained > dual.bound() >> coarse {
                continue;
            }
            let doubt = caution * gained + (dual.bound() >> fine);
            let keep = keep(state.core, dual, doubt);
            if keep.len() * 4 <= state.core.len() * 3 {
                return Some(Doubtful { doubt, keep });
            }
            if gained <= dual.bound() >> (fine + 2) {
                break;
            }
        }
        None
    }

    /// Takes items in this order, exchanges what gains, and keeps the set if it is the best yet.
    fn offer(&self, core: &Core, best: &mut Set, order: Vec<u32>) {
        let mut packing = Packing::of(self.problem, core, order);
        packing.polish();
        if packing.worth() > best.0 {
            *best = (packing.worth(), packing.items());
        }
    }
}

/// What prices leave, if they are wrong by no more than `doubt`.
struct Doubtful {
    doubt: i128,
    keep: Vec<u32>,
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

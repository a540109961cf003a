//! Prices of the rows, and the bound they prove.
//!
//! For any prices p >= 0, no set completing a state is worth more than what was taken in, plus
//! p · (what the rows have left), plus every live item's worth above the price of what it uses.
//! A poor price gives a poor bound, never a wrong one. Prices are set one after the other, each to
//! the middle of its best values beside the others (coordinate descent), and what two sweeps of that
//! changed is tried several times over: on auctions of ten thousand bids that comes within one part
//! in ten thousand of the optimum in 25 sweeps, where the sweeps alone took 50. Where it gets stuck,
//! which it can, one step against the subgradient moves it on.
//!
//! All of it in 64 bits: worths are rounded up to a common unit, so bounds stay bounds.

use std::cmp::Reverse;

use super::{problem::ONE, state::State};

const SHIFT: u32 = ONE.trailing_zeros();
/// Bits of the sum of all worths and of every price, so that what 2^16 rows cost an item fits too.
const BITS: u32 = 46;
const REACH: [i64; 2] = [3, 64];
/// No price is ever higher.
const DEAREST: i64 = 1 << BITS;

/// Prices of whole rows, and what they say about a state.
#[derive(Clone, Debug, Default)]
pub(super) struct Dual {
    /// Worths are counted in 2^`unit`.
    unit: u32,
    price: Vec<i64>,
    /// Every item's worth above the price of what it uses; for live items only.
    margin: Vec<i64>,
    bound: i128,
    /// How far beyond the last change the next one is tried.
    reach: i64,
}

impl Dual {
    /// Starts from known prices of the problem's rows.
    pub(super) fn from(state: &State<'_>, prices: &[i128]) -> Self {
        let mut dual = Self::empty(state);
        let price = |origin: u32| {
            let price = prices[origin as usize] >> dual.unit;
            price.clamp(0, i128::from(DEAREST)) as i64
        };
        dual.price = state.core.rows.iter().map(|row| price(row.origin)).collect();
        dual.refresh(state);
        dual
    }

    /// Starts from every item's worth spread evenly over its rows, each row at its dearest item.
    pub(super) fn new(state: &State<'_>) -> Self {
        let mut dual = Self::empty(state);
        let core = state.core;
        for item in 0..core.len() as u32 {
            let uses = core.uses(item);
            let each = dual.worth(state, item) / (uses.len().max(1) as i64);
            for part in uses {
                let share = core.share(state.problem, part.row, part.at).max(1);
                let whole = (i128::from(each) << SHIFT) / i128::from(share);
                let fair = if core.is_clique(part.row) { whole } else { whole / 2 };
                let price = &mut dual.price[part.row as usize];
                *price = (*price).max(fair.min(i128::from(DEAREST)) as i64);
            }
        }
        dual.refresh(state);
        dual
    }

    fn empty(state: &State<'_>) -> Self {
        let total: i128 = state.core.profit.iter().sum();
        let unit = (128 - total.leading_zeros()).saturating_sub(BITS - 1);
        let price = vec![0; state.core.rows.len()];
        Self { unit, price, margin: vec![0; state.core.len()], bound: 0, reach: REACH[0] }
    }

    /// No completion of the state is worth more.
    pub(super) const fn bound(&self) -> i128 {
        self.bound << self.unit
    }

    /// How much worse than the bound every completion is with the item in (if negative) or
    /// without it (if positive), at least.
    pub(super) fn margin(&self, item: u32) -> i128 {
        i128::from(self.margin[item as usize]) << self.unit
    }

    /// The price of a row of the core.
    pub(super) fn price(&self, row: usize) -> i128 {
        i128::from(self.price[row]) << self.unit
    }

    /// Live items from the largest margin to the smallest, preferred ones first among equals.
    pub(super) fn order(&self, state: &State<'_>) -> Vec<u32> {
        let mut order: Vec<u32> = state.live_items().collect();
        order.sort_unstable_by_key(|item| (Reverse(self.margin[*item as usize]), *item));
        order
    }

    /// An item's worth, rounded up.
    fn worth(&self, state: &State<'_>, item: u32) -> i64 {
        let profit = state.core.profit[item as usize];
        ((profit >> self.unit) + i128::from(self.unit > 0)) as i64
    }

    /// Margins and bound from the prices.
    pub(super) fn refresh(&mut self, state: &State<'_>) {
        for item in state.live_items() {
            let cost = |part: &super::core::Use| {
                cost(
                    self.price[part.row as usize],
                    state.core.share(state.problem, part.row, part.at),
                )
            };
            let cost: i64 = state.core.uses(item).iter().map(cost).sum();
            self.margin[item as usize] = self.worth(state, item) - cost;
        }
        self.count(state);
    }

    fn count(&mut self, state: &State<'_>) {
        let taken = (state.worth >> self.unit) + i128::from(self.unit > 0);
        self.bound = taken;
        for (row, price) in self.price.iter().enumerate() {
            if state.live[row] > 0 && *price > 0 {
                // rounded up
                self.bound -= i128::from(cost(-*price, state.left[row]));
            }
        }
        let favoured = state.live_items().map(|item| self.margin[item as usize].max(0));
        self.bound += favoured.map(i128::from).sum::<i128>();
    }

    /// Sets the price of every row beside the others, forward and then backward.
    pub(super) fn sweep(&mut self, state: &State<'_>) {
        let rows = 0..self.price.len() as u32;
        for row in rows.clone().chain(rows.rev()) {
            if state.live[row as usize] == 0 {
                continue;
            }
            let price = if state.core.is_clique(row) {
                self.of_clique(state, row)
            } else {
                self.of_row(state, row)
            };
            self.set(state, row, price);
        }
        self.count(state);
    }

    /// A few sweeps, and as far again in the direction they took, and farther, while that gains.
    /// Returns what the bound gained.
    pub(super) fn advance(&mut self, state: &State<'_>) -> i128 {
        let before = self.bound();
        let start = self.price.clone();
        self.sweep(state);
        self.sweep(state);
        let mut beyond = self.clone();
        for (price, start) in beyond.price.iter_mut().zip(start) {
            *price = (*price + (*price - start) * self.reach).clamp(0, DEAREST);
        }
        beyond.refresh(state);
        beyond.sweep(state);
        if beyond.bound < self.bound {
            beyond.reach = (self.reach * 2).min(REACH[1]);
            *self = beyond;
        } else {
            self.reach = (self.reach / 2).max(1);
        }
        before - self.bound()
    }

    /// Between its best item's margin and its second best's every price is as good: the middle
    /// leaves the others the most room.
    fn of_clique(&self, state: &State<'_>, row: u32) -> i64 {
        if state.live[row as usize] == 1 {
            return 0;
        }
        let mut best = [i64::MIN / 4; 2];
        for part in state.core.parts(row) {
            if state.is_live(part.item) {
                let margin = self.margin[part.item as usize];
                if margin > best[0] {
                    best = [margin, best[0]];
                } else if margin > best[1] {
                    best[1] = margin;
                }
            }
        }
        let price = self.price[row as usize];
        ((best[0] + price).max(0) + (best[1] + price).max(0)) / 2
    }

    /// Where what the favoured items use of the row is what it has left.
    fn of_row(&self, state: &State<'_>, row: u32) -> i64 {
        let price = self.price[row as usize];
        let live = state.core.parts(row).iter().filter(|part| state.is_live(part.item));
        // worths have 46 bits, so the quotients' numerators fit 64
        let asked = live.filter_map(|part| {
            let share = state.core.share(state.problem, row, part.at);
            let margin = self.margin[part.item as usize] + cost(price, share);
            (margin > 0 && share > 0).then(|| (margin.saturating_mul(ONE) / share, share))
        });
        let mut asked: Vec<(i64, i64)> = asked.collect();
        // from the item that is worth most for its share; the price is the first that is left out
        asked.sort_unstable_by_key(|(worth, _)| Reverse(*worth));
        let mut left = state.left[row as usize];
        let marginal = asked.iter().find(|(_, share)| {
            left -= share;
            left < 0
        });
        marginal.map_or(0, |(worth, _)| *worth).min(DEAREST)
    }

    fn set(&mut self, state: &State<'_>, row: u32, price: i64) {
        let before = std::mem::replace(&mut self.price[row as usize], price);
        if before == price {
            return;
        }
        if state.core.is_clique(row) {
            for part in state.core.parts(row) {
                self.margin[part.item as usize] += before - price;
            }
            return;
        }
        for part in state.core.parts(row) {
            let share = state.core.share(state.problem, row, part.at);
            self.margin[part.item as usize] += cost(before, share) - cost(price, share);
        }
    }

    /// One step against the subgradient, as long as the distance to `floor` asks for (Polyak).
    pub(super) fn step(&mut self, state: &State<'_>, floor: i128) {
        let core = state.core;
        let mut slack: Vec<i64> = state.left.clone();
        for item in state.live_items().filter(|item| self.margin[*item as usize] > 0) {
            for part in core.uses(item) {
                slack[part.row as usize] -= core.share(state.problem, part.row, part.at);
            }
        }
        for (row, slack) in slack.iter_mut().enumerate() {
            if state.live[row] == 0 || (self.price[row] == 0 && *slack > 0) {
                *slack = 0;
            }
        }
        let norm: i128 = slack.iter().map(|slack| i128::from(*slack) * i128::from(*slack)).sum();
        let distance = self.bound - (floor >> self.unit);
        if (norm >> SHIFT) == 0 || distance <= 0 {
            return;
        }
        for (price, slack) in self.price.iter_mut().zip(slack) {
            let change = distance * i128::from(slack) / (norm >> SHIFT);
            *price = (i128::from(*price) - change).clamp(0, i128::from(DEAREST)) as i64;
        }
        self.refresh(state);
    }
}

/// What a share of a row costs, rounded down.
const fn cost(price: i64, share: i64) -> i64 {
    if share == ONE { price } else { ((price as i128 * share as i128) >> SHIFT) as i64 }
}

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

use super::{core::Use, live::Live, problem::ONE, state::State};

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
                let share = part.share().max(1);
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
            let cost = |part: &Use| cost(self.price[part.row as usize], part.share());
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
        self.pass(state, &Live::of(state));
        self.count(state);
    }

    /// A few sweeps, and as far again in the direction they took, and farther, while that gains.
    /// Returns what the bound gained.
    pub(super) fn advance(&mut self, state: &State<'_>) -> i128 {
        let live = Live::of(state);
        let before = self.bound();
        let start = self.price.clone();
        self.pass(state, &live);
        self.pass(state, &live);
        self.count(state);
        let mut beyond = self.clone();
        for (price, start) in beyond.price.iter_mut().zip(start) {
            *price = (*price + (*price - start) * self.reach).clamp(0, DEAREST);
        }
        beyond.refresh(state);
        beyond.pass(state, &live);
        beyond.count(state);
        if beyond.bound < self.bound {
            beyond.reach = (self.reach * 2).min(REACH[1]);
            *self = beyond;
        } else {
            self.reach = (self.reach / 2).max(1);
        }
        before - self.bound()
    }

    fn pass(&mut self, state: &State<'_>, live: &Live) {
        for row in (0..live.len()).chain((0..live.len()).rev()) {
            let (number, parts) = live.row(row);
            let clique = state.core.is_clique(number);
            let price = if clique {
                self.of_clique(number, parts)
            } else {
                self.of_row(number, parts, state.left[number as usize])
            };
            self.set(number, parts, clique, price);
        }
    }

    /// Between its best item's margin and its second best's every price is as good: the middle
    /// leaves the others the most room.
    fn of_clique(&self, row: u32, parts: &[(u32, u32)]) -> i64 {
        if parts.len() == 1 {
            return 0;
        }
        let mut best = [i64::MIN / 4; 2];
        for (item, _) in parts {
            let margin = self.margin[*item as usize];
            if margin > best[0] {
                best = [margin, best[0]];
            } else if margin > best[1] {
                best[1] = margin;
            }
        }
        let price = self.price[row as usize];
        ((best[0] + price).max(0) + (best[1] + price).max(0)) / 2
    }

    /// Where what the favoured items use of the row is what it has left.
    fn of_row(&self, row: u32, parts: &[(u32, u32)], left: i64) -> i64 {
        let price = self.price[row as usize];
        let (mut asked, mut total) = (Vec::with_capacity(parts.len()), 0);
        for (item, share) in parts {
            let share = i64::from(*share);
            let margin = self.margin[*item as usize] + cost(price, share);
            if margin > 0 && share > 0 {
                total += share;
                asked.push((margin, share));
            }
        }
        if total <= left {
            return 0;
        }
        // from the item that is worth most for its share; worths have 46 bits, so the quotients'
        // numerators fit 64
        for (worth, share) in &mut asked {
            *worth = worth.saturating_mul(ONE) / *share;
        }
        first_left_out(&mut asked, left).min(DEAREST)
    }

    fn set(&mut self, row: u32, parts: &[(u32, u32)], clique: bool, price: i64) {
        let before = std::mem::replace(&mut self.price[row as usize], price);
        if before == price {
            return;
        }
        for (item, share) in parts {
            let share = i64::from(*share);
            let change =
                if clique { before - price } else { cost(before, share) - cost(price, share) };
            self.margin[*item as usize] += change;
        }
    }

    /// One step against the subgradient, as long as the distance to `floor` asks for (Polyak).
    pub(super) fn step(&mut self, state: &State<'_>, floor: i128) {
        let core = state.core;
        let mut slack: Vec<i64> = state.left.clone();
        for item in state.live_items().filter(|item| self.margin[*item as usize] > 0) {
            for part in core.uses(item) {
                slack[part.row as usize] -= part.share();
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

/// Of pairs of worth and share whose shares exceed `left` together, the worth of the first that is
/// left out if the worthiest come first. Halves the list time and again: with that instead of sorting
/// it, deciding a full batch of 1,000 bids took a fifth less time.
fn first_left_out(mut asked: &mut [(i64, i64)], mut left: i64) -> i64 {
    while asked.len() > 1 {
        let middle = asked.len() / 2;
        let (worthier, ..) = asked.select_nth_unstable_by_key(middle, |(worth, _)| Reverse(*worth));
        let taken: i64 = worthier.iter().map(|(_, share)| share).sum();
        if taken > left {
            asked = &mut asked[..middle];
        } else {
            left -= taken;
            asked = &mut asked[middle..];
        }
    }
    asked.first().map_or(0, |(worth, _)| *worth)
}

/// What a share of a row costs, rounded down. Prices have 46 bits, shares 16.
const fn cost(price: i64, share: i64) -> i64 {
    (price * share) >> SHIFT
}

//! Prices of the rows, and the bound they prove.
//!
//! For any prices p >= 0, no set completing a state weighs more than what was taken in, plus
//! p · (what the rows have left), plus every live item's weight above the price of what it uses.
//! Prices are improved by subgradient steps (Polyak's, in integers). A poor price gives a poor
//! bound, never a wrong one.

use super::{problem::ONE, state::State};

/// Weights stay below 2^104 and sums of them below 2^120; prices below this keep products with
/// shares within 128 bits.
const DEAREST: i128 = 1 << 108;
const SHIFT: u32 = ONE.trailing_zeros();

/// Prices of whole rows.
#[derive(Clone, Debug)]
pub(super) struct Prices(Vec<i128>);

/// What prices say about a state.
#[derive(Clone, Debug, Default)]
pub(super) struct Priced {
    /// No completion weighs more.
    pub(super) bound: i128,
    /// Every item's weight above the price of what it uses; for live items only.
    pub(super) margin: Vec<i128>,
}

impl Prices {
    /// Every item's weight spread evenly over its rows, each row at its dearest item.
    pub(super) fn start(state: &State<'_>) -> Self {
        let problem = state.problem;
        let mut prices = vec![0i128; problem.rows.len()];
        for item in state.live_items() {
            let uses = problem.uses(item);
            let each = problem.weights[item] / (uses.len().max(1) as i128);
            for part in uses {
                let price = (each << SHIFT) / i128::from(part.share.max(1));
                let fair = if part.share == ONE { price } else { price / 2 };
                prices[part.row] = prices[part.row].max(fair.min(DEAREST));
            }
        }
        let mut prices = Self(prices);
        prices.balance(state);
        prices
    }

    /// What these prices prove about `state`.
    pub(super) fn apply(&self, state: &State<'_>, out: &mut Priced) {
        let problem = state.problem;
        out.margin.resize(problem.len(), 0);
        out.bound = state.weight;
        for (row, price) in self.0.iter().enumerate() {
            if state.live[row] > 0 && *price > 0 {
                out.bound += (price * i128::from(state.left[row]) + i128::from(ONE - 1)) >> SHIFT;
            }
        }
        for item in state.live_items() {
            let mut margin = problem.weights[item];
            for part in problem.uses(item) {
                margin -= (self.0[part.row] * i128::from(part.share)) >> SHIFT;
            }
            out.margin[item] = margin;
            out.bound += margin.max(0);
        }
    }

    /// Improves the prices for `state` by at most `steps` steps, until they prove that nothing
    /// above `floor` is left. Leaves the best prices found here and what they prove in `out`.
    pub(super) fn improve(&mut self, state: &State<'_>, floor: i128, steps: u32, out: &mut Priced) {
        self.apply(state, out);
        let mut best = self.clone();
        let mut best_priced = out.clone();
        let (mut pace, mut stale) = (FULL_PACE, 0);
        for n in 0..steps {
            if n % BALANCE_EVERY == BALANCE_EVERY - 1 {
                self.balance(state);
                self.apply(state, out);
            }
            if best_priced.bound <= floor || !self.step(state, out, floor, pace) {
                break;
            }
            self.apply(state, out);
            if out.bound < best_priced.bound {
                best.0.clone_from(&self.0);
                best_priced.clone_from(out);
                stale = 0;
            } else {
                stale += 1;
                if stale == PATIENCE {
                    (pace, stale) = (pace / 2, 0);
                    self.0.clone_from(&best.0);
                    out.clone_from(&best_priced);
                    if pace == 0 {
                        break;
                    }
                }
            }
        }
        *self = best;
        *out = best_priced;
    }

    /// Sets each price of the whole batch to the best one beside all the others: where what the
    /// favoured items use of the row is what it has left. Small steps alone take hundreds of them
    /// to get there, because such a row is used by every item in small parts.
    fn balance(&mut self, state: &State<'_>) {
        let problem = state.problem;
        for (row, _) in problem.rows.iter().enumerate().filter(|(_, row)| row.spec.global) {
            let mut uses = Vec::with_capacity(state.live[row]);
            for item in state.live_items() {
                let mut margin = problem.weights[item];
                let mut share = 0;
                for part in problem.uses(item) {
                    if part.row == row {
                        share = part.share;
                    } else {
                        margin -= (self.0[part.row] * i128::from(part.share)) >> SHIFT;
                    }
                }
                if margin > 0 && share > 0 {
                    uses.push((margin, share));
                }
            }
            // from the item that is worth most for its share; the price is the first that is left out
            uses.sort_unstable_by(|(a, p), (b, q)| (b * i128::from(*p)).cmp(&(a * i128::from(*q))));
            let mut left = state.left[row];
            let marginal = uses.iter().find(|(_, share)| {
                left -= share;
                left < 0
            });
            let price =
                marginal.map_or(0, |(margin, share)| (margin << SHIFT) / i128::from(*share));
            self.0[row] = price.min(DEAREST);
        }
    }

    /// One step against the subgradient; false where it is zero, so the prices are the best.
    fn step(&mut self, state: &State<'_>, at: &Priced, floor: i128, pace: i128) -> bool {
        let problem = state.problem;
        let mut slack: Vec<i64> = state.left.clone();
        for item in state.live_items().filter(|item| at.margin[*item] > 0) {
            for part in problem.uses(item) {
                slack[part.row] -= part.share;
            }
        }
        let mut norm = 0i128;
        for (row, slack) in slack.iter_mut().enumerate() {
            if state.live[row] == 0 || (self.0[row] == 0 && *slack > 0) {
                *slack = 0;
            }
            norm += i128::from(*slack) * i128::from(*slack);
        }
        let norm = norm >> SHIFT;
        if norm == 0 {
            return false;
        }
        // the distance in at most 60 bits, so that its product with a slack fits
        let distance = (at.bound - floor).max(1);
        let shift = (128 - distance.leading_zeros()).saturating_sub(60);
        let distance = distance >> shift;
        for (price, slack) in self.0.iter_mut().zip(slack) {
            let change = (distance * i128::from(slack) / norm * pace / FULL_PACE) << shift;
            *price = (*price - change).clamp(0, DEAREST);
        }
        true
    }
}

const FULL_PACE: i128 = 64;
const PATIENCE: u32 = 8;
const BALANCE_EVERY: u32 = 4;

//! What a fill is worth (design A1): integers only, rounded down, nothing a solver claims trusted.
//!
//! A fill's price is `bought / sold`; the reference price of its pair is `price(sell) / price(buy)`.
//! Surplus is counted between that price worsened and improved by the surplus cap, and
//! never from below the signed limit. The lower end stops a solver from scoring with an intent of
//! its own that has an absurd limit; the upper end stops it from paying itself an absurd price out
//! of its own filler, which would cost it nothing and outweigh every honest bid.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};

use super::{DropReason, OpeningRecord, params::BPS};
use crate::{
    Amount, Intent,
    bid::Fill,
    event::CutIntent,
    intent::{Kind, Pair},
};

/// The largest score of one bid, 2^88 - 1 numéraire atoms: 309 million units of 18 decimals. More
/// is a mistake in a price, and sums of ten thousand such scores stay within native integers.
pub const MAX_SCORE: u128 = (1 << 88) - 1;

/// Atoms that a price is quoted for.
const PRICED_ATOMS: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// The prices of one record. A price of zero or of 2^192 and more is as good as none.
#[derive(Debug)]
pub(super) struct Prices {
    by_token: BTreeMap<Address, U256>,
    cap_bps: u32,
}

impl Prices {
    pub(super) fn of(opening: &OpeningRecord) -> Self {
        let sane = |price: U256| !price.is_zero() && price.bit_len() <= 192;
        let prices = opening.prices.iter().map(|entry| (entry.token, entry.price.get()));
        Self {
            by_token: prices.filter(|(_, price)| sane(*price)).collect(),
            cap_bps: opening.params.surplus_cap_bps,
        }
    }

    fn of_token(&self, token: Address) -> Result<U256, DropReason> {
        self.by_token.get(&token).copied().ok_or(DropReason::Unpriced { token })
    }

    /// The value of a fill's counted surplus, in numéraire atoms, rounded down.
    pub(super) fn score(
        &self,
        intent: &Intent,
        entry: &CutIntent,
        fill: &Fill,
    ) -> Result<u128, DropReason> {
        let Pair { sell, buy } = intent.pair();
        let (sell_price, buy_price) = (self.of_token(sell)?, self.of_token(buy)?);
        // prices have at most 192 bits and these factors 15, so neither product overflows
        let one = U256::from(BPS);
        let worsened = U256::from(BPS.saturating_sub(self.cap_bps));
        let improved = U256::from(BPS.saturating_add(self.cap_bps));
        let limit = Limit::of(intent);
        let (surplus, price) = match intent.kind() {
            Kind::ExactIn => {
                let worst = ceil(fill.sold, sell_price * worsened, buy_price * one);
                let best = floor(fill.sold, sell_price * improved, buy_price * one);
                let from = limit.least_bought(fill.sold).max(worst);
                (fill.bought.min(best).saturating_sub(from), buy_price)
            }
            Kind::ExactOut => {
                let worst = floor(fill.bought, buy_price * one, sell_price * worsened);
                let best = ceil(fill.bought, buy_price * one, sell_price * improved);
                let from = limit.most_sold(fill.bought).min(worst).min(entry.fundable);
                (from.saturating_sub(fill.sold.max(best)), sell_price)
            }
        };
        let value = surplus.mul_div_floor(price, PRICED_ATOMS);
        let value = value.and_then(|value| u128::try_from(value.get()).ok());
        value.filter(|value| *value <= MAX_SCORE).ok_or(DropReason::ScoreTooLarge)
    }
}

/// The price an owner signed for: at least `buy` for `sell`, in any part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    sell: Amount,
    buy: Amount,
}

impl Limit {
    pub(super) const fn of(intent: &Intent) -> Self {
        Self { sell: intent.sell_amount(), buy: intent.buy_amount() }
    }

    /// `sold · B <= S · bought`, as the contract checks it.
    pub(super) fn holds(self, fill: &Fill) -> bool {
        fill.sold.cmp_products(self.buy, self.sell, fill.bought).is_le()
    }

    /// The least that must be bought for `sold`.
    pub(super) fn least_bought(self, sold: Amount) -> Amount {
        ceil(sold, self.buy.get(), self.sell.get())
    }

    /// The most that may be sold for `bought`.
    pub(super) fn most_sold(self, bought: Amount) -> Amount {
        floor(bought, self.sell.get(), self.buy.get())
    }

    /// The surplus over the limit alone, in the surplus token, and zero where the limit is broken.
    pub(super) fn surplus(self, kind: Kind, fill: &Fill) -> Amount {
        match kind {
            Kind::ExactIn => fill.bought.saturating_sub(self.least_bought(fill.sold)),
            Kind::ExactOut => self.most_sold(fill.bought).saturating_sub(fill.sold),
        }
    }
}

/// A quotient beyond 2^256 - 1, or by zero, bounds nothing: it is as good as the largest amount.
fn floor(amount: Amount, numerator: U256, denominator: U256) -> Amount {
    amount.mul_div_floor(numerator, denominator).unwrap_or(Amount::MAX)
}

fn ceil(amount: Amount, numerator: U256, denominator: U256) -> Amount {
    amount.mul_div_ceil(numerator, denominator).unwrap_or(Amount::MAX)
}

//! What a fill is worth (design A1): integers only, rounded down, nothing a solver claims trusted.
//!
//! A fill's price is `bought / sold`; the reference price of its pair is `price(sell) / price(buy)`.
//! Surplus is counted between that price worsened and improved by the surplus cap, and
//! never from below the signed limit. The lower end stops a solver from scoring with an intent of
//! its own that has an absurd limit; the upper end stops it from paying itself an absurd price out
//! of its own filler, which would cost it nothing and outweigh every honest bid.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};

use super::table::Entry;
use crate::{
    Amount, Intent,
    auction::{
        DropReason, OpeningRecord,
        params::{BPS, PRICED_ATOMS},
    },
    bid::Fill,
    intent::{Kind, Pair},
};

/// The largest score of one bid, 2^88 - 1 numéraire atoms: 309 million units of 18 decimals. More
/// is a mistake in a price, and sums of ten thousand such scores stay within native integers.
pub const MAX_SCORE: u128 = (1 << 88) - 1;

/// The prices of one record. A price of zero or of 2^192 and more is as good as none.
#[derive(Debug)]
pub(in crate::auction) struct Prices {
    by_token: BTreeMap<Address, U256>,
    cap_bps: u32,
}

impl Prices {
    pub(in crate::auction) fn of(opening: &OpeningRecord) -> Self {
        let sane = |price: U256| !price.is_zero() && price.bit_len() <= 192;
        let prices = opening.prices.iter().map(|entry| (entry.token, entry.price.get()));
        Self {
            by_token: prices.filter(|(_, price)| sane(*price)).collect(),
            cap_bps: opening.params.surplus_cap_bps,
        }
    }

    /// A token's price.
    pub(in crate::auction) fn of_token(&self, token: Address) -> Option<U256> {
        self.by_token.get(&token).copied()
    }

    /// What surplus of a pair is worth, or the token that has no price.
    pub(in crate::auction) fn scale(&self, pair: Pair) -> Result<Scale, Address> {
        let price = |token: Address| self.by_token.get(&token).copied().ok_or(token);
        let (sell, buy) = (price(pair.sell)?, price(pair.buy)?);
        // prices have at most 192 bits and these factors 15, so neither product overflows
        let one = U256::from(BPS);
        let worsened = U256::from(BPS.saturating_sub(self.cap_bps));
        let improved = U256::from(BPS.saturating_add(self.cap_bps));
        Ok(Scale {
            sell,
            buy,
            worst: reduced(sell * worsened, buy * one),
            best: reduced(sell * improved, buy * one),
        })
    }
}

/// A pair's reference prices, and between which prices surplus counts, as `bought / sold`.
#[derive(Debug)]
pub(in crate::auction) struct Scale {
    sell: U256,
    buy: U256,
    worst: (U256, U256),
    best: (U256, U256),
}

impl Scale {
    /// The value of a fill's counted surplus, in numéraire atoms, rounded down.
    pub(in crate::auction) fn score(
        &self,
        entry: &Entry<'_>,
        fill: &Fill,
    ) -> Result<u128, DropReason> {
        let (worst, best) = (self.worst, self.best);
        let (surplus, price) = match entry.intent.kind() {
            Kind::ExactIn => {
                let worst = ceil(fill.sold, worst.0, worst.1);
                let best = floor(fill.sold, best.0, best.1);
                let from = entry.limit.least_bought(fill.sold).max(worst);
                (fill.bought.min(best).saturating_sub(from), self.buy)
            }
            Kind::ExactOut => {
                let worst = floor(fill.bought, worst.1, worst.0);
                let best = ceil(fill.bought, best.1, best.0);
                let from = entry.limit.most_sold(fill.bought).min(worst).min(entry.fundable);
                (from.saturating_sub(fill.sold.max(best)), self.sell)
            }
        };
        let value = surplus.mul_div_floor(price, PRICED_ATOMS);
        let value = value.and_then(|value| u128::try_from(value.get()).ok());
        value.filter(|value| *value <= MAX_SCORE).ok_or(DropReason::ScoreTooLarge)
    }
}

/// What a fill gives above its limit where there is no price to value it by, in atoms of the
/// surplus token. For exact-out it counts from no more than the owner can pay, as ever; a reference
/// price to count from is what is missing here (see the second pass).
pub(in crate::auction) fn raw_surplus(entry: &Entry<'_>, fill: &Fill) -> Amount {
    match entry.intent.kind() {
        Kind::ExactIn => fill.bought.saturating_sub(entry.limit.least_bought(fill.sold)),
        Kind::ExactOut => {
            entry.limit.most_sold(fill.bought).min(entry.fundable).saturating_sub(fill.sold)
        }
    }
}

/// The price an owner signed for: at least `buy` for `sell`, in any part.
#[derive(Clone, Copy, Debug)]
pub(in crate::auction) struct Limit {
    sell: Amount,
    buy: Amount,
}

impl Limit {
    pub(in crate::auction) const fn of(intent: &Intent) -> Self {
        Self { sell: intent.sell_amount(), buy: intent.buy_amount() }
    }

    /// `sold · B <= S · bought`, as the contract checks it.
    pub(in crate::auction) fn holds(self, fill: &Fill) -> bool {
        fill.sold.cmp_products(self.buy, self.sell, fill.bought).is_le()
    }

    /// The least that must be bought for `sold`.
    pub(in crate::auction) fn least_bought(self, sold: Amount) -> Amount {
        if sold == self.sell { self.buy } else { ceil(sold, self.buy.get(), self.sell.get()) }
    }

    /// The most that may be sold for `bought`.
    pub(in crate::auction) fn most_sold(self, bought: Amount) -> Amount {
        if bought == self.buy { self.sell } else { floor(bought, self.sell.get(), self.buy.get()) }
    }

    /// The surplus over the limit alone, in the surplus token, and zero where the limit is broken.
    pub(in crate::auction) fn surplus(self, kind: Kind, fill: &Fill) -> Amount {
        match kind {
            Kind::ExactIn => fill.bought.saturating_sub(self.least_bought(fill.sold)),
            Kind::ExactOut => self.most_sold(fill.bought).saturating_sub(fill.sold),
        }
    }
}

/// The same fraction in fewer bits.
fn reduced(numerator: U256, denominator: U256) -> (U256, U256) {
    let common = numerator.gcd(denominator).max(U256::ONE);
    (numerator / common, denominator / common)
}

/// A quotient beyond 2^256 - 1, or by zero, bounds nothing: it is as good as the largest amount.
pub(in crate::auction) fn floor(amount: Amount, numerator: U256, denominator: U256) -> Amount {
    amount.mul_div_floor(numerator, denominator).unwrap_or(Amount::MAX)
}

pub(in crate::auction) fn ceil(amount: Amount, numerator: U256, denominator: U256) -> Amount {
    amount.mul_div_ceil(numerator, denominator).unwrap_or(Amount::MAX)
}

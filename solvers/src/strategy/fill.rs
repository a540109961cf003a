//! Filling an intent at a given price.

use alloy_primitives::U256;
use domain::{
    Amount,
    intent::{Kind, Pair},
};

use super::{Candidate, Market};

/// One in basis points.
const BPS: u32 = 10_000;

/// What is paid per atom sold. Rounding is for who pays, by less than an atom, so that all fills at
/// one price have it in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    numerator: U256,
    denominator: U256,
}

impl Price {
    /// The reference price of a pair less `spread_bps`; `None` without one.
    pub(super) fn of(market: &Market, pair: Pair, spread_bps: u32) -> Option<Self> {
        let kept = BPS.checked_sub(spread_bps).filter(|kept| *kept > 0)?;
        // prices have at most 192 bits
        let numerator = market.price(pair.sell)? * U256::from(kept);
        let denominator = market.price(pair.buy)? * U256::from(BPS);
        Some(Self { numerator, denominator })
    }

    /// The most that `payer` may pay, by its own limit.
    pub(super) fn limit_of(payer: &Candidate) -> Self {
        let (numerator, denominator) = (payer.intent.sell_amount(), payer.intent.buy_amount());
        Self { numerator: numerator.get(), denominator: denominator.get() }
    }

    /// The lower one.
    pub(super) fn min(self, other: Self) -> Self {
        let [a, b] = [self, other].map(|price| Amount::new(price.numerator));
        let order =
            a.cmp_products(Amount::new(other.denominator), b, Amount::new(self.denominator));
        if order.is_gt() { other } else { self }
    }

    /// What is paid for `sold`; `None` beyond 2^256 - 1.
    fn paid(self, sold: Amount) -> Option<Amount> {
        sold.mul_div_floor(self.numerator, self.denominator)
    }

    /// What is asked for `bought`; `None` beyond 2^256 - 1.
    fn asked(self, bought: Amount) -> Option<Amount> {
        bought.mul_div_ceil(self.denominator, self.numerator)
    }

    /// The most that can be taken in for at most `bought`.
    fn affordable(self, bought: Amount) -> Amount {
        bought.mul_div_floor(self.denominator, self.numerator).unwrap_or(Amount::MAX)
    }
}

/// What a fill moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// From the owner.
    pub(super) sold: Amount,
    /// To the receiver.
    pub(super) bought: Amount,
}

/// The fill of `exact` of the exact side; `None` if the limit forbids the price.
pub(super) fn at(candidate: &Candidate, price: Price, exact: Amount) -> Option<Size> {
    let (sold, bought) = match candidate.intent.kind() {
        Kind::ExactIn => (exact, price.paid(exact)?),
        Kind::ExactOut => (price.asked(exact)?, exact),
    };
    let moves = !sold.is_zero() && !bought.is_zero();
    (moves && candidate.allows(sold, bought)).then_some(Size { sold, bought })
}

/// The largest fill for which the owner pays at most `payable` and gets at most `budget`; `None` if
/// that is less than the intent takes, or the limit forbids the price.
pub(super) fn largest(
    candidate: &Candidate,
    price: Price,
    payable: Amount,
    budget: Amount,
) -> Option<Size> {
    let exact = match candidate.intent.kind() {
        Kind::ExactIn => payable.min(price.affordable(budget)),
        Kind::ExactOut => price.paid(payable).unwrap_or(Amount::MAX).min(budget),
    };
    let exact = exact.min(candidate.left);
    if exact < candidate.least() {
        return None;
    }
    let size = at(candidate, price, exact)?;
    (size.sold <= payable && size.bought <= budget).then_some(size)
}

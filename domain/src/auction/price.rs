//! One price per directed pair and bid, up to rounding (design A2).
//!
//! A fill of `sold` for `bought` stands for every price strictly between `(bought - 1) / (sold + 1)`
//! and `(bought + 1) / (sold - 1)`: those it could have had if both amounts were rounded by less
//! than an atom. All fills of a pair must have such a price in common.

use std::{cmp::Ordering, collections::BTreeMap};

use alloy_primitives::{U256, U512, Uint};

use super::DropReason;
use crate::{Bid, Intent, IntentId, bid::Fill, intent::Pair};

/// The fills whose bounds are the tightest of a pair.
#[derive(Clone, Copy)]
struct Bounds {
    /// The fill whose lowest possible price is the highest.
    high: Fill,
    /// The fill whose highest possible price is the lowest.
    low: Fill,
}

pub(super) fn one_price_per_pair(
    bid: &Bid,
    intents: &BTreeMap<IntentId, Intent>,
) -> Result<(), DropReason> {
    let mut pairs = BTreeMap::<Pair, Bounds>::new();
    for fill in bid.fills() {
        let Some(intent) = intents.get(&fill.intent) else { continue };
        let bounds = pairs.entry(intent.pair()).or_insert(Bounds { high: *fill, low: *fill });
        if compare(&Price::least(fill), &Price::least(&bounds.high)).is_gt() {
            bounds.high = *fill;
        }
        if compare(&Price::most(fill), &Price::most(&bounds.low)).is_lt() {
            bounds.low = *fill;
        }
    }
    // by Helly's theorem intervals on a line that meet in pairs meet in common
    let torn = pairs
        .into_values()
        .find(|bounds| compare(&Price::least(&bounds.high), &Price::most(&bounds.low)).is_ge());
    match torn {
        None => Ok(()),
        Some(bounds) => Err(DropReason::TwoPrices { first: bounds.high, second: bounds.low }),
    }
}

/// `bought / sold`; sold may be zero, which is infinitely dear.
struct Price {
    bought: U512,
    sold: U512,
}

impl Price {
    fn least(fill: &Fill) -> Self {
        let bought = fill.bought.get().saturating_sub(U256::ONE);
        Self { bought: U512::from(bought), sold: U512::from(fill.sold.get()) + U512::ONE }
    }

    fn most(fill: &Fill) -> Self {
        let sold = fill.sold.get().saturating_sub(U256::ONE);
        Self { bought: U512::from(fill.bought.get()) + U512::ONE, sold: U512::from(sold) }
    }
}

/// Through 1024 bits: the factors have up to 257.
fn compare(a: &Price, b: &Price) -> Ordering {
    wide(a.bought, b.sold).cmp(&wide(b.bought, a.sold))
}

fn wide(a: U512, b: U512) -> Uint<1024, 16> {
    a.widening_mul(b)
}

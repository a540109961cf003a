//! One price per directed pair and bid, up to rounding (design A2).
//!
//! A fill of `sold` for `bought` stands for every price strictly between `(bought - 1) / (sold + 1)`
//! and `(bought + 1) / (sold - 1)`: those it could have had if both amounts were rounded by less
//! than an atom. All fills of a pair must have such a price in common.

use std::cmp::Ordering;

use alloy_primitives::{U256, U512, Uint};

use crate::{Amount, auction::DropReason, bid::Fill};

/// The fills whose bounds are the tightest of a pair.
#[derive(Clone, Copy)]
struct Bounds<'a> {
    /// The fill whose lowest possible price is the highest.
    high: &'a Fill,
    /// The fill whose highest possible price is the lowest.
    low: &'a Fill,
}

/// Whether fills, each with the number of its pair, have one price per pair.
pub(in crate::auction) fn one_price_per_pair<'a>(
    fills: impl ExactSizeIterator<Item = (u32, &'a Fill)>,
) -> Result<(), DropReason> {
    if fills.len() < 2 {
        return Ok(());
    }
    let mut fills: Vec<_> = fills.collect();
    fills.sort_by_key(|(pair, _)| *pair);
    for of_pair in fills.chunk_by(|(a, _), (b, _)| a == b) {
        let [(_, first), others @ ..] = of_pair else { continue };
        let mut bounds = Bounds { high: first, low: first };
        for (_, fill) in others {
            if compare(least(fill), least(bounds.high)).is_gt() {
                bounds.high = fill;
            }
            if compare(most(fill), most(bounds.low)).is_lt() {
                bounds.low = fill;
            }
        }
        // by Helly's theorem intervals on a line that meet in pairs meet in common
        if !others.is_empty() && compare(least(bounds.high), most(bounds.low)).is_ge() {
            return Err(DropReason::TwoPrices { first: *bounds.high, second: *bounds.low });
        }
    }
    Ok(())
}

/// `bought / sold`, each with what is added to it; sold may come to zero, which is infinitely dear.
type Price = [(Amount, i8); 2];

fn least(fill: &Fill) -> Price {
    [(fill.bought, -1), (fill.sold, 1)]
}

fn most(fill: &Fill) -> Price {
    [(fill.bought, 1), (fill.sold, -1)]
}

fn compare(a: Price, b: Price) -> Ordering {
    let ([a_bought, a_sold], [b_bought, b_sold]) = (a.map(short), b.map(short));
    if let (Some(a), Some(b), Some(c), Some(d)) = (a_bought, b_sold, b_bought, a_sold) {
        return a.cmp_products(b, c, d);
    }
    // through 1024 bits: the factors have up to 257
    let ([a_bought, a_sold], [b_bought, b_sold]) = (a.map(long), b.map(long));
    let product = |a: U512, b: U512| -> Uint<1024, 16> { a.widening_mul(b) };
    product(a_bought, b_sold).cmp(&product(b_bought, a_sold))
}

/// `None` for the one sum that needs 257 bits.
fn short((amount, add): (Amount, i8)) -> Option<Amount> {
    if add < 0 {
        Some(amount.saturating_sub(Amount::from(1u64)))
    } else {
        amount.checked_add(Amount::from(1u64))
    }
}

fn long((amount, add): (Amount, i8)) -> U512 {
    let amount = amount.get();
    if add < 0 {
        U512::from(amount.saturating_sub(U256::ONE))
    } else {
        U512::from(amount) + U512::ONE
    }
}

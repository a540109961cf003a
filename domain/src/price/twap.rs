//! The arithmetic of a Uniswap V2 pair's cumulative prices.
//!
//! A pair adds `price * seconds` whenever it is first touched in a block, with the reserves it had
//! since the touch before: what is done to it inside one block, and undone in the same, has no
//! weight at all, and what stays until the next block weighs as long as that block is away.
//! Cumulative prices are unsigned 112.112 fixed-point numbers times seconds and wrap at 2^256; the
//! pair's own time stamp wraps at 2^32. Both are meant to: only differences mean anything.

use alloy_primitives::{U256, U512};

use crate::{Amount, event::BlockRef};

/// Bits behind the point of a cumulative price.
const FRACTION: usize = 112;

/// What a pair stores, seen from one of its tokens: what one atom of it costs in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairState {
    /// The reserve of the token, at most 2^112 - 1.
    pub reserve: U256,
    /// The reserve of the other token, at most 2^112 - 1.
    pub quote_reserve: U256,
    /// `priceNCumulativeLast` of the token.
    pub cumulative: U256,
    /// `blockTimestampLast`: seconds modulo 2^32.
    pub touched_s: u32,
}

/// A pair's cumulative price brought forward to the time of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The block.
    pub block: BlockRef,
    /// The block's time, Unix seconds.
    pub time_s: u64,
    /// 112.112 fixed point times seconds, modulo 2^256.
    pub cumulative: U256,
}

/// How a price was on average between two observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Average {
    growth: U256,
    elapsed_s: u64,
}

impl PairState {
    /// The cumulative price at the end of a block, as the pair would store it if it were touched
    /// there. `None` for an empty pair, which has no price.
    #[must_use]
    pub fn observe(&self, block: BlockRef, time_s: u64) -> Option<Observation> {
        if self.reserve.is_zero() || self.quote_reserve.is_zero() {
            return None;
        }
        // the low 32 bits, as the contract keeps its time
        let now_s = (time_s & u64::from(u32::MAX)) as u32;
        let since = U256::from(now_s.wrapping_sub(self.touched_s));
        // at most 224 bits, and 256 with the seconds: the shift and the product lose nothing
        let price = (self.quote_reserve << FRACTION) / self.reserve;
        let cumulative = self.cumulative.wrapping_add(price.wrapping_mul(since));
        Some(Observation { block, time_s, cumulative })
    }
}

impl Observation {
    /// The average since an earlier observation; `None` if that is not earlier, or so long ago that
    /// the pair's clock has gone round.
    #[must_use]
    pub fn average_since(&self, earlier: &Self) -> Option<Average> {
        let elapsed_s = self.time_s.checked_sub(earlier.time_s)?;
        let countable = elapsed_s > 0 && elapsed_s <= u64::from(u32::MAX);
        let growth = self.cumulative.wrapping_sub(earlier.cumulative);
        countable.then_some(Average { growth, elapsed_s })
    }
}

impl Average {
    /// The seconds it is taken over.
    #[must_use]
    pub const fn elapsed_s(&self) -> u64 {
        self.elapsed_s
    }

    /// The token's price, the other token's being `quote`: rounded down once, through 512 bits.
    /// `None` above 2^256 - 1.
    #[must_use]
    pub fn times(&self, quote: Amount) -> Option<Amount> {
        let product: U512 = self.growth.widening_mul(quote.get());
        let seconds = U512::from(self.elapsed_s) << FRACTION;
        let price = product.checked_div(seconds)?;
        U256::checked_from_limbs_slice(price.as_limbs()).map(Amount::new)
    }
}

//! From answers to a price.

use std::cmp::Ordering;

use alloy_primitives::U256;

use crate::Amount;

/// One in basis points.
const BPS: u64 = 10_000;
/// How far ahead of us a source's clock may be, milliseconds. What is dated later than that would
/// not go stale when it should.
const SKEW_MS: u64 = 5_000;
/// Prices of more bits are a mistake, and scores could not be counted in them.
const MAX_BITS: usize = 192;

/// What one source says about one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Numéraire atoms per 10^18 atoms of the token.
    pub price: Amount,
    /// When it held.
    pub dated: Dated,
    /// How long ago it was read, milliseconds, by a clock that does not jump.
    pub read_ms_ago: u64,
    /// Dated or read longer ago than this it is stale, milliseconds.
    pub max_age_ms: u64,
}

/// When an answer held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dated {
    /// Until somebody changes it: an operator's own figure does not age.
    Standing,
    /// As the source says, Unix milliseconds.
    At(u64),
    /// In a block of that time, Unix seconds.
    Block(u64),
}

/// When it is asked, by each clock that answers are dated by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The auction's clock, Unix milliseconds.
    pub now_ms: u64,
    /// The time of the block the auction is held on, Unix seconds.
    pub block_time_s: u64,
}

/// What answers must be like to make a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How many answers must agree; 0 counts as 1.
    pub quorum: u32,
    /// An answer further than this from the median does not agree, basis points of the median.
    pub max_spread_bps: u32,
    /// How far from the last auction's price it may be, basis points of that; 0 sets no bound.
    pub max_move_bps: u32,
}

/// What became of the answers about one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The price; `None` if too few answers agree.
    pub price: Option<Amount>,
    /// The median of the usable answers, before the bound and whether or not enough agree.
    pub median: Option<Amount>,
    /// One for each answer, in their order.
    pub opinions: Vec<Opinion>,
}

impl Finding {
    /// Whether the last auction's price held it back.
    #[must_use]
    pub fn held_back(&self) -> bool {
        self.price.is_some() && self.price != self.median
    }
}

/// What an answer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It counts.
    Agrees,
    /// It is part of the median, but too far from it to count for the quorum.
    Strays,
    /// It is left out.
    Unusable(Unusable),
}

/// Why an answer is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The source has said nothing about this token.
    Absent,
    /// It is too old.
    Stale {
        /// How old, milliseconds.
        age_ms: u64,
    },
    /// It is dated in the future.
    Early {
        /// How far, milliseconds.
        by_ms: u64,
    },
    /// It is zero, or 2^192 and more.
    OutOfRange,
}

impl Opinion {
    /// A stable name, for logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Strays => "strays",
            Self::Unusable(Unusable::Absent) => "absent",
            Self::Unusable(Unusable::Stale { .. }) => "stale",
            Self::Unusable(Unusable::Early { .. }) => "early",
            Self::Unusable(Unusable::OutOfRange) => "out_of_range",
        }
    }
}

impl Answer {
    /// Whether it may be used at `moment`.
    ///
    /// # Errors
    /// Why not. Of several reasons, that it is old comes first.
    pub fn usable(&self, moment: Moment) -> Result<Amount, Unusable> {
        let dated_ms_ago = match self.dated {
            Dated::Standing => return in_range(self.price),
            Dated::At(at_ms) if at_ms > moment.now_ms.saturating_add(SKEW_MS) => {
                return Err(Unusable::Early { by_ms: at_ms - moment.now_ms });
            }
            Dated::At(at_ms) => moment.now_ms.saturating_sub(at_ms),
            // a block after the auction's own is on the same chain: it is as fresh as can be
            Dated::Block(time_s) => {
                moment.block_time_s.saturating_sub(time_s).saturating_mul(1_000)
            }
        };
        let age_ms = dated_ms_ago.max(self.read_ms_ago);
        if age_ms > self.max_age_ms {
            return Err(Unusable::Stale { age_ms });
        }
        in_range(self.price)
    }
}

fn in_range(price: Amount) -> Result<Amount, Unusable> {
    let fine = !price.is_zero() && price.get().bit_len() <= MAX_BITS;
    if fine { Ok(price) } else { Err(Unusable::OutOfRange) }
}

/// The price that `answers` (one per source, `None` where it has none) make, `last` being the
/// price in the last auction that had one. Does not depend on the answers' order, but for the
/// opinions, which are in it.
///
/// Of an even number of usable answers the lower of the two in the middle is the median: a price
/// that somebody did give, and that no single liar can push up.
#[must_use]
pub fn find(
    answers: &[Option<Answer>],
    last: Option<Amount>,
    rule: Rule,
    moment: Moment,
) -> Finding {
    let read = |answer: &Option<Answer>| match answer {
        Some(answer) => answer.usable(moment),
        None => Err(Unusable::Absent),
    };
    let usable: Vec<Result<Amount, Unusable>> = answers.iter().map(read).collect();
    let median = median(usable.iter().flatten().copied().collect());
    let opinion = |answer: &Result<Amount, Unusable>| match (answer, median) {
        (Err(why), _) => Opinion::Unusable(*why),
        (Ok(price), Some(median)) if within(*price, median, rule.max_spread_bps) => Opinion::Agrees,
        (Ok(_), _) => Opinion::Strays,
    };
    let opinions: Vec<Opinion> = usable.iter().map(opinion).collect();
    let agreeing = opinions.iter().filter(|opinion| **opinion == Opinion::Agrees).count();
    let price = median.filter(|_| agreeing >= rule.quorum.max(1) as usize);
    let price = price.map(|price| bounded(price, last, rule.max_move_bps));
    Finding { price, median, opinions }
}

fn median(mut prices: Vec<Amount>) -> Option<Amount> {
    prices.sort_unstable();
    let middle = prices.len().checked_sub(1)? / 2;
    prices.get(middle).copied()
}

/// `|price - median| <= median * bps / 10000`, exactly.
fn within(price: Amount, median: Amount, bps: u32) -> bool {
    let distance = price.saturating_sub(median).max(median.saturating_sub(price));
    let (bps, one) = (Amount::from(u64::from(bps)), Amount::from(BPS));
    distance.cmp_products(one, median, bps) != Ordering::Greater
}

/// The price, moved no further from `last` than `bps` of it, but one atom at least: else a price
/// of few atoms could never move again.
fn bounded(price: Amount, last: Option<Amount>, bps: u32) -> Amount {
    let Some(last) = last.filter(|last| bps > 0 && in_range(*last).is_ok()) else {
        return price;
    };
    let (one, step) = (U256::from(BPS), U256::from(bps));
    let reach = last.mul_div_floor(step, one).unwrap_or(Amount::MAX).max(Amount::from(1_u64));
    let least = last.saturating_sub(reach).max(Amount::from(1_u64));
    let most = last.checked_add(reach).unwrap_or(Amount::MAX);
    price.clamp(least, most)
}

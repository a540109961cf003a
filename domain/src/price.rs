//! Reference prices (design A9): what several sources say, brought down to one number a token.
//!
//! - [`find`]: the median of the fresh answers, what must agree for it to count, and the bound that
//!   the last auction's price sets;
//! - [`Observation`], [`Average`]: a Uniswap V2 pair's time-weighted price, in the pair's own arithmetic;
//! - [`History`]: the observations an average is taken between.
//!
//! A price is in numéraire atoms per 10^18 atoms of the token.
//!
//! # What somebody who controls a source can do
//!
//! With one of three sources: nothing beyond the span of the two honest ones. With one of two and a quorum of
//! two: push the price down to the edge of `max_spread_bps` (the lower of two middle answers counts), or
//! disagree by more and so keep the token unpriced. With enough of them for the quorum, which is why it is
//! more than half unless told otherwise: move the price, but by `max_move_bps` an auction at most, which is
//! the time operators have to notice.
//!
//! **Too large a move is cut off at the bound, and not refused.** Refusing would let a real crash, or one short
//! manipulation, take a token's price away for as long as it lasts; and as soon as the last auction has no
//! price there is no bound either, so that the very next answer would be taken whole. Cut off, an honest
//! jump is followed in a few auctions and a dishonest one is slow.

mod find;
mod history;
mod twap;

pub use find::{Answer, Dated, Finding, Moment, Opinion, Rule, Unusable, find};
pub use history::History;
pub use twap::{Average, Observation, PairState};

#[cfg(test)]
mod tests;

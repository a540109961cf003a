//! Sources of reference prices (design A9), read in the background.
//!
//! A [`PriceSource`] is asked again and again by [`Watch::run`]; what it said last lies on the [`Board`],
//! which whoever cuts an auction reads without waiting. What the answers add up to is decided by
//! [`domain::price`]. A source that fails is asked again after its usual pause; until then its last
//! words stand, and go stale, unless the failure itself takes them back.

mod board;
mod configured;
mod feed;
mod pool;

use std::{collections::BTreeSet, time::Duration};

use alloy::primitives::Address;
use domain::{
    Amount,
    price::{Average, Dated},
};
use futures_util::future::BoxFuture;

use crate::{
    chain::{Chain, ChainError},
    config::Config,
    http::HttpError,
};

pub use board::{Board, Heard, Watch, watch};
pub use configured::Configured;
pub use feed::Feed;
pub use pool::UniswapV2;

/// A read under way.
pub type Reading<'a> = BoxFuture<'a, Result<Vec<Quote>, SourceError>>;

/// Somebody who has an opinion on prices.
pub trait PriceSource: Send {
    /// What tokens call it, in settings, logs and metrics.
    fn name(&self) -> &str;

    /// Read or dated longer ago than this its answers are stale, milliseconds.
    fn max_age_ms(&self) -> u64;

    /// The pause between two reads.
    fn poll(&self) -> Duration;

    /// Everything it has to say now, each token once. Cancelled at will.
    ///
    /// # Errors
    /// A [`SourceError`]; what was read before stands.
    fn read(&mut self) -> Reading<'_>;
}

/// What a source says about one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The token.
    pub token: Address,
    /// What it is worth.
    pub worth: Worth,
    /// When that held.
    pub dated: Dated,
}

/// A price as a source has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Numéraire atoms per 10^18 atoms of the token.
    Numeraire(Amount),
    /// So many of another token, whose own price must be known.
    Of(Address, Average),
}

impl Worth {
    /// The price in the numéraire; `None` if the other token has none, or it is out of all bounds.
    pub fn in_numeraire(self, price: impl FnOnce(Address) -> Option<Amount>) -> Option<Amount> {
        match self {
            Self::Numeraire(price) => Some(price),
            Self::Of(quote, average) => average.times(price(quote)?),
        }
    }
}

/// A read that gave nothing. Holds no URL: providers put keys in theirs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The feed cannot be reached, or broke off.
    #[error("the feed cannot be reached")]
    Unreachable,
    /// The feed took longer than `timeout_ms`.
    #[error("the feed did not answer in time")]
    Timeout,
    /// The feed answered with another status than success.
    #[error("the feed answered with HTTP {0}")]
    Status(u16),
    /// The document is longer than `max_body_bytes`.
    #[error("the feed's document is too long")]
    TooLong,
    /// The document is not of the shape that is read.
    #[error("the feed's document is not what a feed says")]
    NotAFeed,
    /// The node.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The contract is not a pair of the two tokens.
    #[error("the contract is not a pair of the two tokens")]
    OtherPair,
    /// Nothing is in the pair, or less than `min_quote_reserve`.
    #[error("too little is in the pair")]
    ThinPair,
}

impl SourceError {
    /// Whether the same read can succeed later without anybody changing a setting.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Unreachable | Self::Timeout | Self::Status(_) | Self::ThinPair => true,
            Self::Chain(error) => error.retryable(),
            Self::TooLong | Self::NotAFeed | Self::OtherPair => false,
        }
    }

    /// Whether what was read before must not stand: not that nobody answered, but that the answer
    /// takes it back.
    #[must_use]
    pub const fn withdraws(&self) -> bool {
        match self {
            Self::ThinPair | Self::OtherPair => true,
            Self::Unreachable
            | Self::Timeout
            | Self::Status(_)
            | Self::TooLong
            | Self::NotAFeed
            | Self::Chain(_) => false,
        }
    }
}

/// Every source of the settings but the standing one, and the board they will write on.
///
/// # Errors
/// [`HttpError`] if no HTTP client can be made.
pub fn open(config: &Config, chain: &Chain) -> Result<(Board, Watch), HttpError> {
    let mut sources: Vec<Box<dyn PriceSource>> = Vec::new();
    for feed in &config.prices.feeds {
        let asks = config.tokens.iter().filter(|token| token.sources.contains(&feed.name));
        let wanted: BTreeSet<Address> = asks.map(|token| token.address).collect();
        sources.push(Box::new(Feed::new(feed, wanted)?));
    }
    for pool in &config.prices.pools {
        let block_time_ms = config.chain.block_time_ms;
        sources.push(Box::new(UniswapV2::new(pool, chain.clone(), block_time_ms)));
    }
    Ok(watch(&Configured::new(&config.tokens), sources))
}

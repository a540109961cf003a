//! What can stop a step of the market, by cause.

use domain::auction::CutError;
use infra::{chain::ChainError, http::HttpError, pg::StoreError, redis::RedisError};

/// A step that was not taken. What it would have written is not written; the next step begins
/// with what the stores say.
#[derive(Debug, thiserror::Error)]
pub enum AuctionError {
    /// Postgres.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The queue of bids.
    #[error("{0}")]
    Queue(#[from] RedisError),
    /// The chain.
    #[error("{0}")]
    Chain(#[from] ChainError),
    /// The sources of prices.
    #[error("prices: {0}")]
    Prices(#[from] HttpError),
    /// A stored record and its intents do not belong together.
    #[error("the opening record: {0}")]
    Record(#[from] CutError),
    /// Rows changed between the decision and its transaction: it is decided again.
    #[error("the book moved under the decision")]
    Moved,
    /// The winners cannot be put into one batch, although the rules say they fit.
    #[error("the winners make no batch: {0}")]
    Batch(domain::batch::BatchError),
    /// The thread that decides died.
    #[error("the decision was lost")]
    Lost,
}

impl AuctionError {
    /// Whether the same step can succeed later.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Queue(error) => error.retryable(),
            Self::Chain(error) => error.retryable(),
            Self::Moved | Self::Lost => true,
            Self::Prices(_) | Self::Record(_) | Self::Batch(_) => false,
        }
    }

    /// Whether another process leads the market now.
    #[must_use]
    pub const fn fenced(&self) -> bool {
        matches!(self, Self::Store(StoreError::Fenced) | Self::Queue(RedisError::Fenced))
    }
}

//! The reader of our contract's logs: what the chain did to our intents without the worker.
//!
//! One process reads, under the lease `index:<chain>`; it takes nothing from the worker and nothing
//! waits for it. Up to `finality_blocks` below the head it asks for ranges, as long as the node will
//! answer; above that for each block by its hash, linked to the one before. What was read is marked
//! in the transaction that applies it, so going on after `kill -9` is the next step and nothing else.

mod apply;
mod undo;
mod walk;

use std::time::Duration;

use infra::{
    chain::{Chain, ChainError},
    config::{Config, LeaseConfig},
    pg::{Pool, StoreError, lease},
    run::sleep_or_cancelled,
};
use tokio_util::sync::CancellationToken;

use crate::send::float;
pub use walk::{Indexer, Walked};

/// The pause after a failure, first and at most.
const PAUSE: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(10)];

/// The numbers the reader goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSettings {
    /// The first block read, if none was read yet; else `finality_blocks` below the head.
    pub start_block: Option<u64>,
    /// Blocks that must lie on a block, it included, before its logs are applied.
    pub confirmations: u64,
    /// Blocks that may be taken back.
    pub finality_blocks: u64,
    /// Blocks asked for at once at most.
    pub range: u64,
    /// How often the head is asked for.
    pub poll: Duration,
}

impl IndexSettings {
    /// Out of the configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            start_block: config.chain.start_block,
            confirmations: config.chain.confirmations.max(1),
            finality_blocks: config.chain.finality_blocks,
            range: config.chain.logs_range.max(1),
            poll: Duration::from_millis(config.settlement.poll_ms.max(10)),
        }
    }
}

/// A step that was not taken; what was applied before it stays applied.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Postgres; [`StoreError::Fenced`] means that another process reads now.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The node tells of a head, but not of this block below it.
    #[error("the node has no block {0}")]
    Missing(u64),
}

impl IndexError {
    /// Whether the same step can succeed later. A bad answer may be one node's among several.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Store(StoreError::Constraint(_)) => true,
            Self::Store(error) => error.retryable(),
            Self::Chain(ChainError::WrongChain { .. } | ChainError::Config(_)) => false,
            Self::Chain(_) | Self::Missing(_) => true,
        }
    }
}

impl From<sqlx::Error> for IndexError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Reads whenever this process holds the lease, until the token is cancelled.
pub async fn index(
    pool: Pool,
    chain: Chain,
    settings: IndexSettings,
    times: LeaseConfig,
    token: CancellationToken,
) {
    let role = format!("index:{}", chain.domain().chain_id());
    lease::hold(&pool, &role, &times, &token, |held, lost| {
        let indexer = Indexer::new(pool.clone(), chain.clone(), settings, held);
        async move { follow(indexer, settings.poll, &lost).await }
    })
    .await;
}

/// As [`index`], and again if it panicked: the worker goes on meanwhile.
pub(crate) async fn keep_indexing(
    pool: Pool,
    chain: Chain,
    settings: IndexSettings,
    times: LeaseConfig,
    token: CancellationToken,
) {
    while !token.is_cancelled() {
        let life = index(pool.clone(), chain.clone(), settings, times, token.clone());
        if let Err(error) = tokio::spawn(life).await {
            metrics::counter!("gavel_index_failures_total").increment(1);
            tracing::error!(%error, "the reader of logs went down, starting it again");
            sleep_or_cancelled(&token, PAUSE[1]).await;
        }
    }
}

async fn follow(
    mut indexer: Indexer,
    poll: Duration,
    lost: &CancellationToken,
) -> Result<(), IndexError> {
    let [first, last] = PAUSE;
    let mut pause = first;
    let mut behind = false;
    while !lost.is_cancelled() {
        let wait = match indexer.step(lost).await {
            Ok(walked) => {
                pause = first;
                if walked == Walked::On { Duration::ZERO } else { poll }
            }
            // another process reads now
            Err(IndexError::Store(StoreError::Fenced)) => break,
            Err(error) if error.retryable() => {
                metrics::counter!("gavel_index_failures_total").increment(1);
                tracing::warn!(%error, lag = indexer.lag(), "logs not read");
                pause = (pause * 2).min(last);
                pause
            }
            Err(error) => return Err(error),
        };
        behind = tell_lag(&indexer, behind);
        if !wait.is_zero() {
            sleep_or_cancelled(lost, wait).await;
        }
    }
    // whoever reads now tells
    metrics::gauge!("gavel_index_lag_blocks").set(0.0);
    Ok(())
}

/// Says once when it falls behind by more than can be taken back, and once when it has caught up.
/// Whether it is behind.
fn tell_lag(indexer: &Indexer, was: bool) -> bool {
    let Some(lag) = indexer.lag() else { return was };
    metrics::gauge!("gavel_index_lag_blocks").set(float(lag));
    let is = lag > indexer.settings().finality_blocks.max(1);
    match (was, is) {
        (false, true) => tracing::warn!(lag, "behind with the logs of the contract"),
        (true, false) => tracing::info!(lag, "caught up with the logs of the contract"),
        (true, true) | (false, false) => {}
    }
    is
}

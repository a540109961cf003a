//! The outbox relay: gives every event its number and publishes it, in order and once.
//!
//! It runs in every process that writes or streams; the lease `relay:<chain>` makes it one. A
//! round numbers what has no number yet (a fenced transaction), then publishes whatever the Redis
//! stream lacks, as the stream itself tells. So a crash between the two, a lost answer, or a
//! Redis that lost everything, all end in the same next round.

mod round;
mod wake;

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    config::LeaseConfig,
    pg::{Pool, StoreError, lease},
    redis::{RedisError, Store},
};
use round::Relay;
pub use wake::{hear, listen};

/// Events numbered or published in one step at most.
const STEP: u32 = 500;
/// How often to look without being woken: finds a Redis that lost its stream.
const IDLE: Duration = Duration::from_millis(500);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_millis(250);

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl RelayError {
    /// Whether another round by the same leader can succeed.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Redis(error) => error.retryable(),
        }
    }
}

/// Relays the events of the store's chain whenever this process holds the lease, until `stop`.
pub async fn run(pool: Pool, redis: Store, times: LeaseConfig, stop: CancellationToken) {
    let role = format!("relay:{}", redis.chain_id());
    let bell = Arc::new(Notify::new());
    let listening = AbortOnDropHandle::new(tokio::spawn(wake::listen(
        pool.clone(),
        redis.chain_id(),
        Arc::clone(&bell),
        stop.clone(),
    )));
    lease::hold(&pool, &role, &times, &stop, |lease, lost| {
        let relay = Relay::new(pool.clone(), redis.clone(), lease);
        let bell = Arc::clone(&bell);
        async move { relay_until(relay, &bell, &lost).await }
    })
    .await;
    drop(listening);
}

async fn relay_until(
    mut relay: Relay,
    bell: &Notify,
    lost: &CancellationToken,
) -> Result<(), RelayError> {
    while !lost.is_cancelled() {
        match relay.round().await {
            Ok(more) if more => continue,
            Ok(_) => {}
            Err(error) if error.retryable() => {
                metrics::counter!("gavel_relay_failures_total").increment(1);
                tracing::warn!(%error, "relay round failed");
                crate::run::sleep_or_cancelled(lost, PAUSE).await;
                continue;
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = lost.cancelled() => {}
            () = bell.notified() => {}
            () = tokio::time::sleep(IDLE) => {}
        }
    }
    Ok(())
}

//! Waking the relay when a transaction with events commits.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    pg::{Pool, StoreError, event::CHANNEL},
    run::sleep_or_cancelled,
};

const PAUSE: Duration = Duration::from_secs(1);

/// Rings `bell` for every event of the chain that is committed, as [`hear`] does.
pub async fn listen(pool: Pool, chain_id: u64, bell: Arc<Notify>, stop: CancellationToken) {
    hear(pool, CHANNEL, chain_id, bell, stop).await;
}

/// Rings `bell` whenever the chain is named on `channel` and after every (re)connect, since
/// notifications are lost while there is no connection. Until `stop`.
pub async fn hear(
    pool: Pool,
    channel: &'static str,
    chain_id: u64,
    bell: Arc<Notify>,
    stop: CancellationToken,
) {
    let payload = chain_id.to_string();
    while !stop.is_cancelled() {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            ended = follow(&pool, channel, &payload, &bell) => ended,
        };
        if let Err(error) = heard {
            tracing::debug!(%error, channel, "not listening, the timer will do");
        }
        sleep_or_cancelled(&stop, PAUSE).await;
    }
}

async fn follow(
    pool: &Pool,
    channel: &str,
    payload: &str,
    bell: &Notify,
) -> Result<(), StoreError> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(channel).await?;
    bell.notify_one();
    loop {
        match listener.try_recv().await? {
            Some(notification) if notification.payload() == payload => bell.notify_one(),
            Some(_) => {}
            // reconnected by itself: something may have been missed
            None => bell.notify_one(),
        }
    }
}

//! One round of the relay.

use super::{RelayError, STEP};
use crate::{
    pg::{
        Pool,
        event::{self, StreamedEvent},
        lease::Lease,
    },
    redis::Store,
};

/// What the leader knows.
pub(super) struct Relay {
    pool: Pool,
    redis: Store,
    lease: Lease,
    epoch: Option<u64>,
}

impl Relay {
    pub(super) const fn new(pool: Pool, redis: Store, lease: Lease) -> Self {
        Self { pool, redis, lease, epoch: None }
    }

    /// Numbers and publishes one step. `true` if there may be more to do at once.
    pub(super) async fn round(&mut self) -> Result<bool, RelayError> {
        let epoch = self.epoch().await?;
        let numbered = self.number(epoch).await?;
        let full = numbered.len() == STEP as usize;
        let behind = self.publish(epoch, &numbered).await?;
        Ok(full || behind)
    }

    async fn epoch(&mut self) -> Result<u64, RelayError> {
        if let Some(epoch) = self.epoch {
            return Ok(epoch);
        }
        let mut conn = self.pool.acquire().await.map_err(crate::pg::StoreError::from)?;
        let epoch = event::epoch(&mut conn, self.redis.chain_id()).await?;
        self.epoch = Some(epoch);
        Ok(epoch)
    }

    async fn number(&self, epoch: u64) -> Result<Vec<StreamedEvent>, RelayError> {
        let chain_id = self.redis.chain_id();
        let mut tx = crate::pg::begin(&self.pool).await?;
        let numbered = event::number(&mut tx, &self.lease, chain_id, epoch, STEP).await?;
        tx.commit().await.map_err(crate::pg::StoreError::from)?;
        metrics::counter!("gavel_relay_numbered_total").increment(numbered.len() as u64);
        Ok(numbered)
    }

    /// Publishes what was just numbered if the stream ends right before it; else what it lacks.
    /// `true` if it still lacks something.
    async fn publish(&mut self, epoch: u64, fresh: &[StreamedEvent]) -> Result<bool, RelayError> {
        let guess = fresh.first().map_or(0, |first| first.seq.saturating_sub(1));
        let end = self.redis.publish(epoch, guess, fresh).await?;
        if end.appended && !fresh.is_empty() {
            self.published(fresh.len());
            metrics::gauge!("gavel_relay_behind").set(0.0);
            return Ok(false);
        }
        let head = self.head().await?;
        metrics::gauge!("gavel_relay_behind").set(small(head.saturating_sub(end.last)));
        if end.last > head || (end.last > 0 && end.epoch != epoch) {
            self.change_history(epoch, end.epoch, end.last > head).await?;
            return Ok(true);
        }
        if end.last == head {
            return Ok(false);
        }
        let kept = self.redis.events_kept();
        let from = if end.last == 0 { head.saturating_sub(kept) } else { end.last };
        let missing = self.read_after(from).await?;
        let end = self.redis.publish(epoch, end.last, &missing).await?;
        if end.appended {
            self.published(missing.len());
        }
        Ok(end.last < head)
    }

    /// The stream tells another history than this database: the database was restored, or made
    /// anew. The database is right; if it is the one that went back, a new epoch says so.
    async fn change_history(
        &mut self,
        ours: u64,
        streams: u64,
        ahead: bool,
    ) -> Result<(), RelayError> {
        tracing::warn!(ours, streams, ahead, "the stream tells another history, starting it anew");
        if ahead && streams == ours {
            let mut tx = crate::pg::begin(&self.pool).await?;
            let next = event::next_epoch(&mut tx, &self.lease, self.redis.chain_id()).await?;
            tx.commit().await.map_err(crate::pg::StoreError::from)?;
            self.epoch = Some(next);
        }
        metrics::counter!("gavel_relay_histories_total").increment(1);
        Ok(self.redis.forget_events().await?)
    }

    async fn head(&self) -> Result<u64, RelayError> {
        let mut conn = self.pool.acquire().await.map_err(crate::pg::StoreError::from)?;
        let waiting = event::unnumbered(&mut conn, self.redis.chain_id(), 10 * STEP).await?;
        metrics::gauge!("gavel_relay_unnumbered").set(f64::from(waiting));
        Ok(event::head(&mut conn, self.redis.chain_id()).await?)
    }

    async fn read_after(&self, seq: u64) -> Result<Vec<StreamedEvent>, RelayError> {
        let mut conn = self.pool.acquire().await.map_err(crate::pg::StoreError::from)?;
        Ok(event::after(&mut conn, self.redis.chain_id(), seq, STEP).await?)
    }

    fn published(&self, events: usize) {
        metrics::counter!("gavel_relay_published_total").increment(events as u64);
    }
}

fn small(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

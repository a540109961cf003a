//! The transaction that ends the wait of what failed on chain: its second attempt is written, and
//! whoever wins nothing in it is free.

use std::collections::BTreeSet;

use domain::{
    IntentId,
    event::{AuctionDecided, Event},
};
use infra::pg::{self, Hold, StoreError, settlement::PlannedBid, timeline::Entry};
use serde_json::json;
use sqlx::PgConnection;

use super::{Due, RunnersUp, Second};
use crate::{AuctionError, lines, measure};

impl RunnersUp {
    /// Writes the second attempt, or that there is none: all of it or nothing.
    ///
    /// # Errors
    /// [`AuctionError::Moved`] if it no longer holds; those of the database.
    pub(super) async fn settle(
        &self,
        due: &Due,
        second: Option<Second>,
    ) -> Result<(), AuctionError> {
        let (chain_id, auction) = (self.chain_id(), due.first.auction);
        let winners = second.as_ref().and_then(|second| second.settlement.as_ref());
        let winners: &[PlannedBid] = winners.map_or(&[], |batch| &batch.bids);
        let mut tx = pg::begin(&self.pool).await?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        pg::market_lock(&mut tx, chain_id, Hold::Exclusive).await?;
        if !pg::settlement::take_runner_up(&mut tx, chain_id, auction).await? {
            // let go, or taken back with its reveal, while it was decided
            return Ok(());
        }
        let free = free(&mut tx, chain_id, due, winners).await?;
        let now_s = due.now_s(second.as_ref());
        pg::intent::release(&mut tx, chain_id, auction, &free, now_s).await?;
        if let Some(second) = &second {
            write(&mut tx, chain_id, due, second).await?;
        }
        if winners.is_empty() {
            pg::auction::publish_if_settled(&mut tx, chain_id, auction).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        measure::runner_up(auction, winners.len(), free.len());
        Ok(())
    }
}

impl Due {
    /// The time by which an intent that is free again has expired or not, Unix seconds.
    fn now_s(&self, second: Option<&Second>) -> u64 {
        let close = self.cut.opening().closes_at_ms / 1_000;
        second.map_or(close, |second| second.runner_up.grounds.block_time_s.max(close))
    }
}

/// The intents that were kept and that no winner fills; the winners' are locked.
///
/// # Errors
/// [`AuctionError::Moved`] if a winner's intent left, or its owner wants it back since.
async fn free(
    tx: &mut PgConnection,
    chain_id: u64,
    due: &Due,
    winners: &[PlannedBid],
) -> Result<Vec<IntentId>, AuctionError> {
    let left: Vec<IntentId> = due.left().into_iter().collect();
    let kept = pg::intent::lock_matched(tx, chain_id, due.first.auction, &left).await?;
    let fills = winners.iter().flat_map(|winner| &winner.fills);
    let won: BTreeSet<IntentId> = fills.map(|fill| fill.intent).collect();
    let there = kept.iter().filter(|row| won.contains(&row.id) && !row.leaves()).count();
    if there < won.len() {
        return Err(AuctionError::Moved);
    }
    Ok(kept.iter().map(|row| row.id).filter(|id| !won.contains(id)).collect())
}

async fn write(
    tx: &mut PgConnection,
    chain_id: u64,
    due: &Due,
    second: &Second,
) -> Result<(), AuctionError> {
    let Second { runner_up, settlement, backing, drops } = second;
    let auction_id = due.first.auction;
    if !pg::auction::set_runner_up(tx, chain_id, auction_id, runner_up).await? {
        return Err(AuctionError::Moved);
    }
    pg::bid::note_drops(tx, chain_id, auction_id, drops).await?;
    let Some(batch) = settlement else { return Ok(()) };
    if !backing.covers(tx, chain_id, batch).await? {
        return Err(AuctionError::Moved);
    }
    pg::settlement::insert(tx, chain_id, batch).await?;
    let attempt = batch.attempt;
    let won = lines::won(&batch.bids).into_iter().map(|(intent, bid)| {
        let detail = json!({ "auction_id": auction_id, "bid": bid, "attempt": attempt });
        Entry { intent, kind: "won", detail }
    });
    pg::timeline::append(tx, &won.collect::<Vec<_>>()).await?;
    let decision = &runner_up.decision;
    let told = Event::AuctionDecided(AuctionDecided {
        auction_id,
        attempt,
        winners: decision.winners.clone(),
        total_score: decision.total_score,
        gap: decision.gap,
    });
    pg::event::append(tx, chain_id, &[told]).await?;
    Ok(())
}

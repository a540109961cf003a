//! What follows from an outcome: the intents that won nothing go into the next auction or back into
//! the book, every intent is told, and the next window's rows are written.
//!
//! It is a transaction of its own, right after the outcome's. Until then those intents belong to the
//! auction that is over: a cancellation comes too late and is kept, as it is while the window is
//! open, and nobody else can cut them. A leader that dies in between leaves the auction marked as
//! not wound up; whoever leads next begins with it.

use std::collections::BTreeSet;

use domain::{AuctionId, IntentId, OpenHash};
use infra::pg::{
    self, Hold, StoreError,
    auction::{Outcome, StoredAuction},
    settlement::PlannedBid,
    timeline::Entry,
};
use sqlx::PgConnection;

use crate::{
    AuctionError, Market,
    conclude::Ruled,
    cut::{Opened, Planned},
    lines,
    survey::Survey,
};

/// An auction with an outcome, as far as its intents are concerned.
#[derive(Debug)]
struct Ended<'a> {
    auction: AuctionId,
    closes_at_ms: u64,
    intents: Vec<IntentId>,
    outcome: &'a Outcome,
    winners: &'a [PlannedBid],
}

impl Ended<'_> {
    /// Those that no winner fills.
    fn free(&self) -> Vec<IntentId> {
        let won = lines::won(self.winners);
        self.intents.iter().filter(|id| !won.contains_key(id)).copied().collect()
    }

    /// What the cut's intents are told now. Without winners publishing tells them all there is.
    fn lines(&self) -> Vec<Entry> {
        let intents = self.intents.iter().copied();
        match (self.outcome, self.winners) {
            (Outcome::Void { reason }, _) => lines::void(self.auction, reason, intents),
            (Outcome::Decided { .. }, []) => Vec::new(),
            (Outcome::Decided { .. }, winners) => lines::decided(self.auction, winners, intents),
        }
    }
}

impl Market {
    /// Winds `opened` up and opens the next auction, if `survey` saw anything to cut.
    pub(crate) async fn next(
        &mut self,
        opened: &Opened,
        ruled: &Ruled,
        survey: Option<&Survey>,
    ) -> Result<Option<Opened>, AuctionError> {
        let planned = match survey {
            Some(survey) => self.plan_next(opened, ruled, survey).await?,
            None => None,
        };
        let ended = Ended {
            auction: opened.id(),
            closes_at_ms: opened.cut.opening().closes_at_ms,
            intents: opened.intents.keys().copied().collect(),
            outcome: &ruled.outcome,
            winners: ruled.settlement.as_ref().map_or(&[], |batch| &batch.bids),
        };
        let mut tx = pg::begin(&self.pool).await?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        pg::market_lock(&mut tx, self.chain_id(), Hold::Exclusive).await?;
        let moved = self.wind_up(&mut tx, &ended, planned.as_ref()).await?;
        let mut following = None;
        if let Some(planned) = &planned {
            following = self.cut(&mut tx, planned, moved).await?;
            self.note_left_out(&mut tx, &planned.selection.left_out).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        if let Some(planned) = &planned {
            self.remember_left_out(&planned.selection.left_out);
        }
        Ok(following)
    }

    /// Winds up what a leader before left behind. An auction whose row does not read is left for
    /// whoever mends it: it must not stop the market.
    pub(crate) async fn wind_up_left_behind(&mut self) -> Result<(), AuctionError> {
        let mut conn = self.connection().await?;
        let left_behind = pg::auction::left_behind(&mut conn, self.chain_id()).await?;
        drop(conn);
        for auction in left_behind {
            match self.wind_up_again(auction).await {
                Ok(()) => tracing::info!(%auction, "wound up for a leader before"),
                Err(error) if error.retryable() || error.fenced() => return Err(error),
                Err(error) => {
                    // looked at again whenever the market is idle, told once
                    if self.not_wound_up.insert(auction) {
                        metrics::counter!("gavel_auction_not_wound_up_total").increment(1);
                        tracing::error!(%auction, %error, "not wound up: its rows need mending");
                    }
                }
            }
        }
        Ok(())
    }

    /// Winds up an auction from its rows.
    async fn wind_up_again(&self, auction: AuctionId) -> Result<(), AuctionError> {
        let chain_id = self.chain_id();
        let mut conn = self.connection().await?;
        let stored = pg::auction::get(&mut conn, chain_id, auction).await?;
        let Some(StoredAuction { opening, outcome: Some(outcome), .. }) = stored else {
            return Err(StoreError::Corrupt("auction.outcome").into());
        };
        let batches = pg::settlement::of_auction(&mut conn, chain_id, auction).await?;
        drop(conn);
        let ended = Ended {
            auction,
            closes_at_ms: opening.closes_at_ms,
            intents: opening.intents.iter().map(|entry| entry.id).collect(),
            outcome: &outcome,
            winners: batches.first().map_or(&[], |batch| &batch.bids),
        };
        let mut tx = pg::begin(&self.pool).await?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        pg::market_lock(&mut tx, chain_id, Hold::Exclusive).await?;
        self.wind_up(&mut tx, &ended, None).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Lets the intents that won nothing go, those that `next` wants straight into it: they are
    /// returned. The others go back into the book, or where a cancellation or their end sends them.
    async fn wind_up(
        &self,
        tx: &mut PgConnection,
        ended: &Ended<'_>,
        next: Option<&Planned<'_>>,
    ) -> Result<BTreeSet<IntentId>, AuctionError> {
        let (chain_id, auction) = (self.chain_id(), ended.auction);
        if !pg::auction::set_wound_up(tx, chain_id, auction).await? {
            return Err(AuctionError::Moved);
        }
        let mut free = ended.free();
        let mut moved = BTreeSet::new();
        if let Some(next) = next {
            let wanted: BTreeSet<IntentId> = next.wanted().collect();
            let again: Vec<IntentId> =
                free.iter().filter(|id| wanted.contains(id)).copied().collect();
            let both = (auction, next.auction());
            moved.extend(pg::intent::recut(tx, chain_id, both, &again).await?);
            free.retain(|id| !moved.contains(id));
        }
        pg::intent::release(tx, chain_id, auction, &free, ended.closes_at_ms / 1_000).await?;
        pg::timeline::append(tx, &ended.lines()).await?;
        if ended.winners.is_empty() {
            // nobody won, so nothing is left to hide; a decision is to be counted through first
            pg::auction::publish_if_settled(tx, chain_id, auction).await?;
        }
        Ok(moved)
    }

    /// Plans the auction after `opened` on what `survey` saw and `ruled` leaves of it.
    async fn plan_next<'a>(
        &mut self,
        opened: &Opened,
        ruled: &Ruled,
        survey: &'a Survey,
    ) -> Result<Option<Planned<'a>>, AuctionError> {
        let last: Option<(AuctionId, OpenHash)> = Some((opened.id(), opened.cut.open_hash()));
        let (gone, extra) = (ruled.matched(), ruled.in_flight(opened));
        Ok(self.plan(last, survey, &gone, &extra).await?.ok())
    }
}

//! The one transaction that publishes an outcome and cuts the next auction.

use std::collections::BTreeSet;

use domain::{
    AuctionId, IntentId, OpenHash,
    bid::Fill,
    event::{AuctionDecided, AuctionVoid, Event},
};
use infra::pg::{
    self, Hold, StoreError,
    auction::{Closing, Outcome},
    settlement::NewSettlement,
};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    AuctionError, Market,
    cut::{Opened, Planned},
    lines,
    select::{self, InFlight},
    survey::Survey,
    trial::Judgement,
};

/// An outcome that is to be written.
#[derive(Debug)]
pub(crate) struct Ruled {
    pub(crate) closing: Closing,
    pub(crate) outcome: Outcome,
    pub(crate) settlement: Option<NewSettlement>,
}

impl Ruled {
    pub(crate) fn decided(closing: Closing, judgement: Judgement) -> Self {
        let Judgement { outcome, settlement } = judgement;
        Self { closing, outcome, settlement }
    }

    pub(crate) fn void(closing: Closing, reason: &str) -> Self {
        Self { closing, outcome: Outcome::Void { reason: reason.to_owned() }, settlement: None }
    }

    /// The intents that some winner fills.
    pub(crate) fn matched(&self) -> BTreeSet<IntentId> {
        self.fills().map(|fill| fill.intent).collect()
    }

    /// What the winners take from their owners.
    pub(crate) fn in_flight(&self, opened: &Opened) -> InFlight {
        let mut in_flight = InFlight::new();
        let sold = |fill: &Fill| Some((opened.cut.intents().get(&fill.intent)?, fill.sold));
        select::add_fills(&mut in_flight, self.fills().filter_map(sold));
        in_flight
    }

    fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.settlement.iter().flat_map(|batch| &batch.bids).flat_map(|bid| &bid.fills)
    }
}

/// What the transaction came to.
#[derive(Debug)]
pub(crate) enum Concluded {
    /// It is written, and the next auction is open if there was anything to cut.
    Written(Option<Opened>),
    /// Nothing is written: these matched intents had left the book.
    Gone(BTreeSet<IntentId>),
}

impl Market {
    /// Plans the auction after `opened` on what `survey` saw and `ruled` leaves of it.
    pub(crate) async fn plan_next<'a>(
        &self,
        opened: &Opened,
        ruled: &Ruled,
        survey: &'a Survey,
    ) -> Result<Option<Planned<'a>>, AuctionError> {
        let last: Option<(AuctionId, OpenHash)> = Some((opened.id(), opened.cut.open_hash()));
        let (gone, extra) = (ruled.matched(), ruled.in_flight(opened));
        Ok(self.plan(last, survey, &gone, &extra).await?.ok())
    }

    /// Writes outcome, verdicts, the winners' batch, what every intent is told, the events, and
    /// the next cut: all of it or nothing.
    pub(crate) async fn conclude(
        &mut self,
        opened: &Opened,
        ruled: &Ruled,
        next: Option<&Planned<'_>>,
    ) -> Result<Concluded, AuctionError> {
        let (chain_id, auction) = (self.chain_id(), opened.id());
        let mut tx = self.pool.begin().await.map_err(StoreError::from)?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        pg::market_lock(&mut tx, chain_id, Hold::Exclusive).await?;
        if !pg::auction::conclude(&mut tx, chain_id, auction, &ruled.outcome).await? {
            return Err(AuctionError::Moved);
        }
        pg::bid::set_verdicts(&mut tx, chain_id, auction, &verdicts(&ruled.outcome)).await?;
        let gone = self.settle_intents(&mut tx, opened, ruled).await?;
        if !gone.is_empty() {
            return Ok(Concluded::Gone(gone));
        }
        pg::timeline::append(&mut tx, &timeline(opened, ruled)).await?;
        pg::event::append(&mut tx, chain_id, &[ended(auction, &ruled.outcome)]).await?;
        if ruled.settlement.is_none() {
            // nobody won, so nothing is left to hide
            pg::auction::publish_if_settled(&mut tx, chain_id, auction).await?;
        }
        let mut following = None;
        if let Some(planned) = next {
            following = self.cut(&mut tx, planned).await?;
            self.note_left_out(&mut tx, &planned.selection.left_out).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        if let Some(planned) = next {
            self.remember_left_out(&planned.selection.left_out);
        }
        Ok(Concluded::Written(following))
    }

    /// Winners' intents to `matched`, with their batch; the others back into the book, or where
    /// a cancellation or their end sends them. Returns the winners' intents that were not there.
    async fn settle_intents(
        &self,
        tx: &mut PgConnection,
        opened: &Opened,
        ruled: &Ruled,
    ) -> Result<BTreeSet<IntentId>, AuctionError> {
        let (chain_id, auction) = (self.chain_id(), opened.id());
        let mut gone = ruled.matched();
        let wanted: Vec<IntentId> = gone.iter().copied().collect();
        let free: Vec<IntentId> =
            opened.intents.keys().filter(|id| !gone.contains(id)).copied().collect();
        for id in pg::intent::mark_matched(tx, chain_id, auction, &wanted).await? {
            gone.remove(&id);
        }
        if !gone.is_empty() {
            return Ok(gone);
        }
        if let Some(settlement) = &ruled.settlement {
            pg::settlement::insert(tx, chain_id, settlement).await?;
        }
        let now_s = opened.cut.opening().closes_at_ms / 1_000;
        pg::intent::release(tx, chain_id, auction, &free, now_s).await?;
        Ok(gone)
    }
}

fn verdicts(outcome: &Outcome) -> Vec<(domain::BidId, Value)> {
    let verdicts = outcome.decision().map(|decision| decision.verdicts.as_slice());
    verdicts
        .unwrap_or_default()
        .iter()
        .filter_map(|verdict| Some((verdict.bid, serde_json::to_value(verdict.ruling).ok()?)))
        .collect()
}

/// What the cut's intents are told now. Without winners publishing tells them all there is.
fn timeline(opened: &Opened, ruled: &Ruled) -> Vec<pg::timeline::Entry> {
    let intents = opened.intents.keys().copied();
    match (&ruled.outcome, &ruled.settlement) {
        (Outcome::Void { reason }, _) => lines::void(opened.id(), reason, intents),
        (Outcome::Decided { .. }, Some(batch)) => lines::decided(opened.id(), &batch.bids, intents),
        (Outcome::Decided { .. }, None) => Vec::new(),
    }
}

fn ended(auction_id: AuctionId, outcome: &Outcome) -> Event {
    match outcome {
        Outcome::Void { reason } => {
            Event::AuctionVoid(AuctionVoid { auction_id, reason: reason.clone() })
        }
        Outcome::Decided { decision, .. } => Event::AuctionDecided(AuctionDecided {
            auction_id,
            winners: decision.winners.clone(),
            total_score: decision.total_score,
            gap: decision.gap,
        }),
    }
}

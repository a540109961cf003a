//! The transaction that publishes an outcome. It is on the way from the close to the settlement, so
//! it holds what makes the decision, and nothing else: what follows from it for everybody who did
//! not win, and the next cut, is the transaction after it (`wind_up`).

use std::collections::BTreeSet;

use domain::{
    AuctionId, IntentId,
    bid::Fill,
    event::{AuctionDecided, AuctionVoid, Event},
};
use infra::pg::{
    self, Hold, StoreError,
    auction::{Closing, Outcome},
    bid::Drop,
    settlement::NewSettlement,
};
use tokio::time::Instant;

use crate::{
    AuctionError, Market,
    backing::Backing,
    cut::Opened,
    judge::Rest,
    select::{self, InFlight},
    trial::Judgement,
};

/// An outcome that is to be written.
#[derive(Debug)]
pub(crate) struct Ruled {
    pub(crate) closing: Closing,
    pub(crate) outcome: Outcome,
    pub(crate) settlement: Option<NewSettlement>,
    /// What the winners count on; none without a decision.
    backing: Option<Backing>,
    drops: Vec<Drop>,
    /// When there was a first decision.
    pub(crate) drafted: Option<Instant>,
    /// What is counted afterwards.
    pub(crate) rest: Option<Rest>,
}

impl Ruled {
    pub(crate) fn decided(closing: Closing, judgement: Judgement) -> Self {
        let Judgement { outcome, settlement, backing, drops, drafted, rest } = judgement;
        let (backing, drafted, rest) = (Some(backing), Some(drafted), Some(rest));
        Self { closing, outcome, settlement, backing, drops, drafted, rest }
    }

    pub(crate) fn void(closing: Closing, reason: &str) -> Self {
        let outcome = Outcome::Void { reason: reason.to_owned() };
        Self {
            closing,
            outcome,
            settlement: None,
            backing: None,
            drops: Vec::new(),
            drafted: None,
            rest: None,
        }
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
    /// It is written.
    Written,
    /// Nothing is written: these matched intents had left the book.
    Gone(BTreeSet<IntentId>),
    /// Nothing is written: what answers for a winner answers for a second attempt since.
    Uncovered,
}

impl Market {
    /// Writes outcome, drops, the winners' intents and batch, and the event: all of it or nothing.
    pub(crate) async fn conclude(
        &self,
        opened: &Opened,
        ruled: &Ruled,
    ) -> Result<Concluded, AuctionError> {
        let (chain_id, auction) = (self.chain_id(), opened.id());
        let mut tx = pg::begin(&self.pool).await?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        pg::market_lock(&mut tx, chain_id, Hold::Exclusive).await?;
        if !pg::auction::conclude(&mut tx, chain_id, auction, &ruled.outcome).await? {
            return Err(AuctionError::Moved);
        }
        let mut gone = ruled.matched();
        let wanted: Vec<IntentId> = gone.iter().copied().collect();
        for id in pg::intent::mark_matched(&mut tx, chain_id, auction, &wanted).await? {
            gone.remove(&id);
        }
        if !gone.is_empty() {
            return Ok(Concluded::Gone(gone));
        }
        if let (Some(settlement), Some(backing)) = (&ruled.settlement, &ruled.backing) {
            if !backing.covers(&mut tx, chain_id, settlement).await? {
                return Ok(Concluded::Uncovered);
            }
            pg::settlement::insert(&mut tx, chain_id, settlement).await?;
        }
        pg::bid::note_drops(&mut tx, chain_id, auction, &ruled.drops).await?;
        pg::event::append(&mut tx, chain_id, &[ended(auction, &ruled.outcome)]).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Concluded::Written)
    }
}

fn ended(auction_id: AuctionId, outcome: &Outcome) -> Event {
    match outcome {
        Outcome::Void { reason } => {
            Event::AuctionVoid(AuctionVoid { auction_id, reason: reason.clone() })
        }
        Outcome::Decided { decision, .. } => Event::AuctionDecided(AuctionDecided {
            auction_id,
            attempt: 1,
            winners: decision.winners.clone(),
            total_score: decision.total_score,
            gap: decision.gap,
        }),
    }
}

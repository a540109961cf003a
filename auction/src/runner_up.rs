//! The runner-up (design A12): what winners failed to fill on chain is decided over once more.
//!
//! The settlement role marks a first attempt that left intents unfilled and calls; whoever leads the
//! market decides, beside its loop, under the same lease. No window waits for it: its intents are in
//! nobody else's auction meanwhile, and it holds the market's lock only to write. What answers for
//! its winners may be what an auction decided beside it counts on: whoever writes second finds that,
//! under the lock, and decides again.
//!
//! - `grounds`: what the chain says now of the owners and solvers concerned;
//! - `settle`: the transaction that writes the second attempt or lets its intents go.
//!
//! A step remembers nothing, so what a leader left that died is found like anything else. What cannot
//! be decided is tried again until the settlement role lets the intents go.

mod grounds;
mod settle;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    AuctionId,
    auction::{Cut, Decision, Retrial, RunnerUp},
    event::TxRef,
};
use infra::{
    chain::Chain,
    config::Config,
    pg::{
        self, Pool, StoreError,
        auction::{Closing, Outcome, StoredAuction},
        bid::StoredBid,
        intent::StoredIntent,
        lease::Lease,
        settlement::{self, NewSettlement, RUNNER_UP_CHANNEL, SettlementRow},
    },
    relay,
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    AuctionError,
    backing::Backing,
    follow::aside,
    judge::Case,
    pack::signed_intent,
    standing::Questions,
    stream::Stream,
    trial::{Judgement, judge},
};

/// Decides second attempts, in the hands of the holder of the market's lease.
#[derive(Clone, Debug)]
pub struct RunnersUp {
    config: Arc<Config>,
    pool: Pool,
    chain: Chain,
    lease: Lease,
}

/// An auction whose first attempt left intents unfilled, as far as it is written.
#[derive(Debug)]
struct Due {
    cut: Cut,
    closing: Closing,
    /// The first decision.
    decision: Decision,
    first: SettlementRow,
    reveal: TxRef,
    intents: Vec<StoredIntent>,
    bids: Vec<StoredBid>,
}

/// A second decision to be written.
#[derive(Debug)]
struct Second {
    runner_up: RunnerUp,
    /// The winners' batch; `None` if nobody won.
    settlement: Option<NewSettlement>,
    /// What it counted on.
    backing: Backing,
    drops: Vec<pg::bid::Drop>,
}

impl RunnersUp {
    /// Whoever decides second attempts under `lease`, which is the market's.
    #[must_use]
    pub const fn new(config: Arc<Config>, pool: Pool, chain: Chain, lease: Lease) -> Self {
        Self { config, pool, chain, lease }
    }

    /// Decides whatever becomes due, until `token` is cancelled.
    pub(crate) async fn run(self, token: CancellationToken) {
        let bell = Arc::new(Notify::new());
        let (pool, chain_id) = (self.pool.clone(), self.chain_id());
        let hears =
            relay::hear(pool, RUNNER_UP_CHANNEL, chain_id, Arc::clone(&bell), token.clone());
        let _hears = AbortOnDropHandle::new(tokio::spawn(hears));
        let idle = Duration::from_millis(self.config.auction.idle_poll_ms);
        let mut told = BTreeSet::new();
        while !token.is_cancelled() {
            if let Err(error) = self.look(&mut told).await {
                tracing::debug!(%error, "no look at what failed on chain");
            }
            tokio::select! {
                () = token.cancelled() => {}
                () = bell.notified() => {}
                () = tokio::time::sleep(idle) => {}
            }
        }
    }

    /// Decides everything that is due now. What fails stays due.
    ///
    /// # Errors
    /// An [`AuctionError`] of the first that failed.
    pub async fn step(&self) -> Result<(), AuctionError> {
        for auction in self.due().await? {
            self.decide(auction).await?;
        }
        Ok(())
    }

    /// The same, one failure after the other told, and what does not pass told once.
    async fn look(&self, told: &mut BTreeSet<AuctionId>) -> Result<(), AuctionError> {
        let due = self.due().await?;
        told.retain(|auction| due.contains(auction));
        for auction in due {
            match self.decide(auction).await {
                Ok(()) => {}
                Err(error) if error.retryable() || error.fenced() => {
                    tracing::debug!(auction = auction.get(), %error, "runner-up not decided yet");
                }
                Err(error) => {
                    if told.insert(auction) {
                        tracing::error!(auction = auction.get(), %error, "no runner-up");
                    }
                }
            }
        }
        Ok(())
    }

    async fn due(&self) -> Result<Vec<AuctionId>, AuctionError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        Ok(settlement::runner_ups_due(&mut conn, self.chain_id()).await?)
    }

    async fn decide(&self, auction: AuctionId) -> Result<(), AuctionError> {
        // else it was taken by another, or let go
        let Some((first, reveal)) = self.first(auction).await? else { return Ok(()) };
        // before all that is read: a node that is away is asked again and again
        if !self.chain.is_canonical(reveal.block).await? {
            return Err(AuctionError::Moved);
        }
        let due = self.read(first, reveal).await?;
        let second = self.second(&due).await?;
        self.settle(&due, second).await
    }

    /// The first attempt with its reveal, if a second one is due.
    async fn first(
        &self,
        auction: AuctionId,
    ) -> Result<Option<(SettlementRow, TxRef)>, AuctionError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        let rows = settlement::of_auction(&mut conn, self.chain_id(), auction).await?;
        let Some(first) = rows.into_iter().find(|row| row.runner_up_due) else { return Ok(None) };
        let reveal = settlement::reveal_of(&mut conn, first.id).await?;
        let reveal = reveal.ok_or(StoreError::Corrupt("tx_attempt.status"))?;
        Ok(Some((first, reveal)))
    }

    async fn read(&self, first: SettlementRow, reveal: TxRef) -> Result<Due, AuctionError> {
        let (chain_id, auction) = (self.chain_id(), first.auction);
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        let stored = pg::auction::get(&mut conn, chain_id, auction).await?;
        let Some(StoredAuction {
            opening,
            closing: Some(closing),
            outcome: Some(Outcome::Decided { decision, .. }),
            ..
        }) = stored
        else {
            return Err(StoreError::Corrupt("auction.outcome").into());
        };
        let ids: Vec<_> = opening.intents.iter().map(|entry| entry.id).collect();
        let intents = pg::intent::get_many(&mut conn, chain_id, &ids).await?;
        let bids = pg::bid::of_auction(&mut conn, chain_id, auction).await?;
        drop(conn);
        let messages = intents.iter().map(|row| (row.id, row.intent.clone())).collect();
        let cut = Cut::new(opening, messages)?;
        Ok(Due { cut, closing, decision, first, reveal, intents, bids })
    }

    /// The second decision; `None` if nobody bid on what is left, or it is too late for one.
    async fn second(&self, due: &Due) -> Result<Option<Second>, AuctionError> {
        let (mut grounds, mut known) = self.grounds(due).await?;
        if !grounds.in_time(due.cut.params()) {
            return Ok(None);
        }
        let retrial = Retrial::new(&due.cut, &due.decision, &grounds);
        let placed = due.bids.iter().map(|bid| &bid.placed);
        let admitted = placed.filter(|bid| retrial.admits(bid.id, &bid.signed.bid)).cloned();
        let bids: Vec<_> = admitted.collect();
        if bids.is_empty() {
            return Ok(None);
        }
        let stream = aside(move || Stream::of_rows(bids)).await?;
        known.learn(&self.chain, &Questions::about(&stream)).await?;
        let bidders = known.of(&stream);
        grounds.standings = bidders.standings.clone();
        let left = retrial.cut().intents();
        let signed = due.intents.iter().filter(|stored| left.contains_key(&stored.id));
        let case = Case {
            attempt: due.first.attempt + 1,
            cut: Arc::new(retrial.cut().clone()),
            stream: Arc::new(stream),
            closing: due.closing,
            bidders,
            intents: signed
                .filter_map(|stored| Some((stored.id, signed_intent(stored)?)))
                .collect(),
            gone: BTreeSet::new(),
        };
        let judged = judge(&self.chain, &self.config.auction, case).await?;
        let Judgement { outcome, settlement, backing, drops, .. } = judged;
        let Outcome::Decided { decision, simulation, .. } = outcome else {
            return Err(AuctionError::Lost);
        };
        Ok(Some(Second {
            runner_up: RunnerUp { grounds, simulation, decision },
            settlement,
            backing,
            drops,
        }))
    }

    fn chain_id(&self) -> u64 {
        self.config.chain.chain_id
    }
}

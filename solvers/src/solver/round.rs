//! One auction: find bids, sign them, send them before it closes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::Address;
use domain::Amount;
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::{Strategy, clock::now_ms, desk::Desk, error::SolverError};
use crate::{
    client::ClientError,
    strategy::{Market, Plan, inventory, ring},
    wire::{BidAccepted, BidSubmission},
};

/// Bids on their way at once.
const SENDING: usize = 8;
/// The pause before a bid is sent again.
const PAUSE: Duration = Duration::from_millis(50);

/// An auction to bid in.
pub(super) struct Round {
    pub(super) desk: Arc<Desk>,
    pub(super) market: Market,
    pub(super) closes_at_ms: u64,
}

/// What became of the bids of a round.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    accepted: usize,
    refused: usize,
    unanswered: usize,
}

impl Round {
    /// Bids; ends after `time`, when the auction closes.
    pub(super) async fn hold(mut self, time: Duration) {
        let deadline = Instant::now() + time;
        let auction = self.market.auction_id;
        self.market.reprice(self.desk.config.prices.clone());
        let plans = match tokio::time::timeout_at(deadline, self.plan()).await {
            Ok(Ok(plans)) => plans,
            Ok(Err(error)) => {
                tracing::warn!(%auction, %error, "no bids");
                return;
            }
            Err(_) => {
                tracing::warn!(%auction, "closed before bids were found");
                return;
            }
        };
        let bids = self.sign(&plans);
        if bids.is_empty() {
            tracing::debug!(%auction, "nothing to bid");
            return;
        }
        let sent = stream::iter(bids).map(|bid| send(&self.desk, bid, deadline));
        let sent: Vec<_> = sent.buffer_unordered(SENDING).collect().await;
        let tally = tally(&sent);
        tracing::info!(
            %auction,
            accepted = tally.accepted,
            refused = tally.refused,
            unanswered = tally.unanswered,
            "bid"
        );
    }

    async fn plan(&self) -> Result<Vec<Plan>, SolverError> {
        let limit = self.desk.config.max_bids;
        let market = self.market.clone();
        let plans = match self.desk.config.strategy {
            Strategy::Ring => tokio::task::spawn_blocking(move || ring::plan(&market, limit)),
            Strategy::Inventory { spread_bps } => {
                let tokens = market.candidates.iter().map(|c| c.pair().buy).collect();
                let funds = self.funds(&tokens).await?;
                let terms = inventory::Terms { spread_bps, limit };
                tokio::task::spawn_blocking(move || inventory::plan(&market, &funds, terms))
            }
        };
        Ok(plans.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the strategy broke down");
            Vec::new()
        }))
    }

    /// What the filler can pay; a node that is away is asked again until the auction closes.
    async fn funds(
        &self,
        tokens: &BTreeSet<Address>,
    ) -> Result<BTreeMap<Address, Amount>, SolverError> {
        loop {
            match self.desk.funds(tokens, now_ms() / 1_000).await {
                Err(error) if error.retryable() => {
                    tracing::warn!(auction = %self.market.auction_id, %error, "asking again");
                    tokio::time::sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    /// Signs the plans, and notes what they would draw before any of them is sent.
    fn sign(&self, plans: &[Plan]) -> Vec<BidSubmission> {
        let auction = self.market.auction_id;
        let until_s = self.closes_at_ms / 1_000 + u64::from(self.desk.config.valid_for_s);
        let valid_until = u32::try_from(until_s).unwrap_or(u32::MAX);
        let mut bids = Vec::with_capacity(plans.len());
        for plan in plans {
            match self.desk.sign(&self.market, plan, valid_until) {
                Ok(bid) => {
                    let id = bid.id(&self.desk.domain);
                    let pays = plan.pays.clone();
                    self.desk.ledger().propose(auction, id, pays, until_s);
                    bids.push(bid);
                }
                Err(error) => tracing::error!(%auction, %error, "a plan is no bid"),
            }
        }
        bids
    }
}

/// Sends a bid until it is answered or the auction has closed. Repeating is safe: the same bid
/// has one place and one receipt.
async fn send(desk: &Desk, bid: BidSubmission, deadline: Instant) -> Result<(), ClientError> {
    let id = bid.id(&desk.domain);
    loop {
        let answer = match tokio::time::timeout_at(deadline, desk.client.submit_bid(&bid)).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Stream("the auction closed first".to_owned())),
        };
        let error = match answer {
            Ok(BidAccepted { receipt, advice }) => {
                if let Some(advice) = advice {
                    tracing::warn!(bid = %id, %advice, "queued, but will be dropped");
                }
                if let Err(error) = receipt.verify(&desk.domain, desk.info.receipt_signer) {
                    tracing::error!(bid = %id, %error, "a receipt that proves nothing");
                }
                tracing::debug!(bid = %id, ms = receipt.ms, seq = receipt.seq, "queued");
                return Ok(());
            }
            Err(error) => error,
        };
        if !error.retryable() || Instant::now() + PAUSE >= deadline {
            tracing::warn!(bid = %id, %error, "bid not taken");
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn tally(sent: &[Result<(), ClientError>]) -> Tally {
    let mut tally = Tally::default();
    for outcome in sent {
        match outcome {
            Ok(()) => tally.accepted += 1,
            Err(error) if error.nack().is_some() => tally.refused += 1,
            Err(_) => tally.unanswered += 1,
        }
    }
    tally
}

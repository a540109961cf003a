//! What a reveal means for intents: filled, free again after a part, or free because their bid
//! failed, unless they are kept for another attempt; and the way back, if its block is lost.

use std::collections::BTreeSet;

use domain::{
    AuctionId, IntentId,
    bid::Fill,
    event::{Event, IntentFillFailed, IntentFilled, TxRef},
    intent::Kind,
    status::IntentEvent,
};
use infra::pg::{
    Tx, event,
    intent::{self, StoredIntent},
    settlement::{BidResult, Failure, PlannedBid},
};
use serde_json::json;

use crate::{
    error::SettlementError,
    record::{note, report},
    strike,
};

/// A reveal whose logs are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reveal<'a> {
    /// Whether an owner who was short is struck.
    pub(crate) strikes: bool,
    pub(crate) chain_id: u64,
    pub(crate) auction: AuctionId,
    pub(crate) evidence: TxRef,
    /// Unix seconds of the chain: whether an intent that is free again has expired.
    pub(crate) now_s: u64,
    /// Those of its intents that the settlement still has: no later attempt took them on, and no other
    /// auction. To the others its fills are what another settler's would be.
    pub(crate) held: &'a [IntentId],
}

impl Reveal<'_> {
    /// Applies every bid's result; what failed is free, but for those `kept`. The intents' rows are
    /// locked already.
    pub(crate) async fn apply(
        &self,
        tx: &mut Tx<'_>,
        planned: &[PlannedBid],
        results: &[BidResult],
        kept: &BTreeSet<IntentId>,
    ) -> Result<(), SettlementError> {
        for (plan, result) in planned.iter().zip(results) {
            match result.failure {
                None => self.settled(tx, result).await?,
                Some(failure) => self.failed(tx, plan, failure, kept).await?,
            }
        }
        Ok(())
    }

    async fn settled(&self, tx: &mut Tx<'_>, result: &BidResult) -> Result<(), SettlementError> {
        for fill in &result.fills {
            let stored = intent::get(tx, self.chain_id, fill.intent).await?;
            let complete = stored.as_ref().is_some_and(|stored| completes(stored, fill));
            let told = Event::IntentFilled(IntentFilled {
                id: fill.intent,
                auction_id: Some(self.auction),
                bid: result.bid,
                sold: fill.sold,
                bought: fill.bought,
                complete,
                evidence: self.evidence,
            });
            event::append(tx, self.chain_id, &[told]).await?;
            let line = json!({
                "auction_id": self.auction, "bid": result.bid, "sold": fill.sold,
                "bought": fill.bought, "complete": complete,
                "tx": self.evidence.tx, "block": self.evidence.block,
            });
            note(tx, &[fill.intent], "filled", &line).await?;
            let moved = match self.holds(fill) {
                true => intent::fill(tx, self.chain_id, self.of(fill)).await?,
                false => intent::fill_elsewhere(tx, self.chain_id, self.of(fill)).await?,
            };
            let event = if complete { IntentEvent::Fill } else { IntentEvent::FillPart };
            report(0, fill.intent, event, moved);
        }
        Ok(())
    }

    async fn failed(
        &self,
        tx: &mut Tx<'_>,
        plan: &PlannedBid,
        failure: Failure,
        kept: &BTreeSet<IntentId>,
    ) -> Result<(), SettlementError> {
        let intents: Vec<IntentId> = plan.fills.iter().map(|fill| fill.intent).collect();
        let told: Vec<Event> = intents
            .iter()
            .map(|id| {
                Event::IntentFillFailed(IntentFillFailed {
                    id: *id,
                    auction_id: self.auction,
                    bid: plan.bid,
                    fault: failure.fault,
                    reason: failure.reason,
                })
            })
            .collect();
        event::append(tx, self.chain_id, &told).await?;
        let mut line = json!({
            "auction_id": self.auction, "bid": plan.bid, "fault": failure.fault,
            "reason": failure.reason, "tx": self.evidence.tx, "block": self.evidence.block,
        });
        let struck = strike::short(plan, failure).filter(|_| self.strikes);
        let (theirs, others): (Vec<IntentId>, Vec<IntentId>) =
            intents.iter().partition(|intent| struck == Some(**intent));
        note(tx, &others, "fill_failed", &line).await?;
        line["struck"] = json!(true);
        note(tx, &theirs, "fill_failed", &line).await?;
        let free = |id: &IntentId| self.held.contains(id) && !kept.contains(id);
        let free: Vec<IntentId> = intents.into_iter().filter(free).collect();
        intent::release(tx, self.chain_id, self.auction, &free, self.now_s).await?;
        Ok(())
    }

    /// Takes every fill back: the block that held them is gone.
    pub(crate) async fn undo(
        &self,
        tx: &mut Tx<'_>,
        results: &[BidResult],
    ) -> Result<(), SettlementError> {
        for fill in results.iter().flat_map(|result| &result.fills) {
            let moved = match self.holds(fill) {
                true => intent::unfill(tx, self.chain_id, self.of(fill)).await?,
                false => intent::unfill_elsewhere(tx, self.chain_id, self.of(fill)).await?,
            };
            report(0, fill.intent, IntentEvent::FillReorged, moved);
        }
        Ok(())
    }

    fn holds(&self, fill: &Fill) -> bool {
        self.held.contains(&fill.intent)
    }

    const fn of(&self, fill: &Fill) -> intent::Fill {
        seen(fill, self.evidence, self.now_s)
    }
}

/// A fill with the transaction that shows it.
pub(crate) const fn seen(fill: &Fill, evidence: TxRef, now_s: u64) -> intent::Fill {
    intent::Fill { intent: fill.intent, sold: fill.sold, bought: fill.bought, evidence, now_s }
}

/// Whether a fill leaves nothing to fill.
pub(crate) fn completes(stored: &StoredIntent, fill: &Fill) -> bool {
    let exact = match stored.intent.kind() {
        Kind::ExactIn => fill.sold,
        Kind::ExactOut => fill.bought,
    };
    let filled = stored.filled.checked_add(exact);
    !stored.intent.partially_fillable()
        || filled.is_none_or(|filled| filled >= stored.intent.exact_amount())
}

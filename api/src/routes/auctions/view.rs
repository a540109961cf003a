//! Rows as they are shown.

use domain::{auction::Ruling, status::AuctionStatus};
use infra::pg::{
    auction::{Outcome, StoredAuction},
    bid::PlacedBid,
    settlement::PublicSettlement,
};
use solvers::wire::{AuctionView, PublishedBid, SettlementView};

pub(super) fn auction(stored: StoredAuction, settlements: &[PublicSettlement]) -> AuctionView {
    let StoredAuction { status, opening, open_hash, closing, outcome, runner_up } = stored;
    let decision = outcome.as_ref().and_then(Outcome::decision);
    let void = outcome.as_ref().and_then(|outcome| match outcome {
        Outcome::Void { reason } => Some(reason.clone()),
        Outcome::Decided { .. } => None,
    });
    let published = decision.filter(|_| status == AuctionStatus::Published);
    let mine = settlements.iter().filter(|settlement| settlement.auction == opening.auction_id);
    AuctionView {
        id: opening.auction_id,
        status,
        open_hash,
        opened_at_ms: opening.opened_at_ms,
        closes_at_ms: opening.closes_at_ms,
        block: opening.block,
        intents: opening.intents,
        prices: opening.prices,
        bid_count: closing.map(|closing| closing.bid_count),
        bids_root: closing.map(|closing| closing.bids_root),
        winners: decision.map(|decision| decision.winners.clone()),
        total_score: decision.map(|decision| decision.total_score),
        gap: decision.map(|decision| decision.gap),
        runner_up_winners: runner_up.map(|second| second.decision.winners),
        settlements: mine.map(settlement).collect(),
        void,
        second_pass: published.map(|decision| decision.second_pass.clone()),
        references: published.map(|decision| decision.references.clone()),
    }
}

fn settlement(settlement: &PublicSettlement) -> SettlementView {
    SettlementView {
        attempt: settlement.attempt,
        status: settlement.status,
        commitment: settlement.commitment,
        commit_tx: settlement.commit_tx,
        reveal_tx: settlement.reveal_tx,
    }
}

/// A bid with its verdict, if there is one yet.
pub(super) fn bid(placed: PlacedBid, verdict: Option<Ruling>) -> PublishedBid {
    let signed = placed.signed;
    PublishedBid {
        id: placed.id,
        ms: placed.ms,
        seq: placed.seq,
        bid: signed.bid.terms().clone(),
        legs: signed.bid.legs().to_vec(),
        callback: signed.bid.callback().clone(),
        signature: signed.signature.to_rsv().into(),
        verdict,
    }
}

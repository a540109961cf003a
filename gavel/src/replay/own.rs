//! How one solver's bids did.

use alloy_primitives::Address;
use domain::{
    Amount, AuctionId, BidId,
    auction::{Decision, PublicRecord, Ruling},
};
use serde::Serialize;

/// A solver's part in one auction.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OwnBids {
    pub(super) auction: AuctionId,
    pub(super) bids: Vec<OwnBid>,
    /// The total score of the auction.
    pub(super) total: Amount,
    /// What it would have come to without this solver, if it won.
    pub(super) reference: Option<Amount>,
}

/// A bid with what became of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OwnBid {
    pub(super) bid: BidId,
    #[serde(flatten)]
    pub(super) ruling: Ruling,
}

/// `None` where the solver has not bid.
pub(super) fn own(record: &PublicRecord, decision: &Decision, solver: Address) -> Option<OwnBids> {
    let recorded = &record.contents.as_ref()?.bids;
    let mine = recorded.iter().zip(&decision.verdicts);
    let mine = mine.filter(|(bid, _)| bid.signed.bid.terms().solver == solver);
    let bids: Vec<OwnBid> =
        mine.map(|(bid, verdict)| OwnBid { bid: bid.id, ruling: verdict.ruling }).collect();
    let reference = decision.references.iter().find(|found| found.solver == solver);
    (!bids.is_empty()).then_some(OwnBids {
        auction: record.opening.auction_id,
        bids,
        total: decision.total_score,
        reference: reference.map(|found| found.score),
    })
}

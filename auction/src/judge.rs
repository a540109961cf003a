//! From what was received to what is written: pure, and long enough to be kept off the runtime's
//! threads.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    BidId, IntentId,
    auction::{
        Cut, Decision, IntentInsight, LeftOut, ReceivedBid, Standings, bids_root, decide_without,
        insights,
    },
    batch::{SignedBid, SignedIntent},
    commitment::BatchHeader,
};
use infra::pg::{auction::Closing, bid::PlacedBid, settlement::NewSettlement};

use crate::{
    AuctionError,
    pack::{PackError, pack},
    standing::Bidders,
};

/// Everything a decision depends on.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) cut: Arc<Cut>,
    pub(crate) bids: Vec<PlacedBid>,
    pub(crate) bidders: Bidders,
    /// The cut's intents with signatures that can travel in a batch.
    pub(crate) intents: BTreeMap<IntentId, SignedIntent>,
    /// Intents of the cut that left the book on chain meanwhile.
    pub(crate) gone: BTreeSet<IntentId>,
}

/// What was decided.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) closing: Closing,
    pub(crate) decision: Decision,
    pub(crate) standings: Standings,
    pub(crate) insights: Vec<IntentInsight>,
    /// The winners' batch; `None` if nobody won.
    pub(crate) settlement: Option<NewSettlement>,
}

/// Fixes the root over everything received, decides, and packs the winners. Bids of keys that do
/// not sign for their solver, on intents that are gone, or that do not fit the batch's format, are
/// left out.
pub(crate) fn judge(case: Case) -> Result<Judgement, AuctionError> {
    let received: Vec<ReceivedBid> = case.bids.iter().map(received).collect();
    let closing = closing(&received);
    let signed: BTreeMap<BidId, &SignedBid> =
        case.bids.iter().map(|placed| (placed.id, &placed.signed)).collect();
    let Bidders { standings, unauthorised } = case.bidders;
    let mut left_out: BTreeMap<BidId, LeftOut> = touching(&received, &case.gone)
        .into_iter()
        .map(|bid| (bid, LeftOut::IntentGone))
        .chain(unauthorised.into_iter().map(|bid| (bid, LeftOut::KeyForeign)))
        .collect();
    loop {
        let decision = decide_without(&case.cut, &received, &standings, &left_out);
        let winners: Vec<(BidId, &SignedBid)> =
            decision.winners.iter().filter_map(|id| Some((*id, *signed.get(id)?))).collect();
        let settlement = match winners.as_slice() {
            [] => None,
            winners => match pack(&header(&case.cut, closing), winners, &case.intents) {
                Ok(settlement) => Some(settlement),
                // each round leaves out one more at least, so this ends
                Err(PackError::Unfit(unfit)) => {
                    left_out.extend(unfit.into_iter().map(|bid| (bid, LeftOut::Unpackable)));
                    continue;
                }
                Err(PackError::Whole(error)) => return Err(AuctionError::Batch(error)),
            },
        };
        let insights = insights(&case.cut, &received, &decision);
        return Ok(Judgement { closing, decision, standings, insights, settlement });
    }
}

/// Root and count over every bid received, valid or not.
pub(crate) fn closing(received: &[ReceivedBid]) -> Closing {
    Closing { bids_root: bids_root(received), bid_count: received.len() as u32 }
}

pub(crate) fn received(placed: &PlacedBid) -> ReceivedBid {
    ReceivedBid { id: placed.id, ms: placed.ms, seq: placed.seq, bid: placed.signed.bid.clone() }
}

fn header(cut: &Cut, closing: Closing) -> BatchHeader {
    BatchHeader {
        auction: cut.opening().auction_id,
        attempt: 1,
        open_hash: cut.open_hash(),
        bids_root: closing.bids_root,
        bid_count: closing.bid_count,
    }
}

fn touching(bids: &[ReceivedBid], gone: &BTreeSet<IntentId>) -> BTreeSet<BidId> {
    let touches =
        |bid: &&ReceivedBid| bid.bid.fills().iter().any(|fill| gone.contains(&fill.intent));
    bids.iter().filter(touches).map(|bid| bid.id).collect()
}

#[cfg(test)]
mod tests;

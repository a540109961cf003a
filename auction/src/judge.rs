//! From what was received to what is written: pure, and long enough to be kept off the runtime's
//! threads.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    BidId, IntentId,
    auction::{
        Cut, Decision, Deliberation, IntentInsight, LeftOut, ReceivedBid, Reference, Shares,
        insights,
    },
    batch::{SignedBid, SignedIntent},
    commitment::BatchHeader,
};
use infra::pg::{auction::Closing, settlement::NewSettlement};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    AuctionError,
    pack::{PackError, pack},
    standing::Bidders,
    stream::Stream,
};

/// What a decision leaves out, and why.
pub(crate) type LeftOuts = BTreeMap<BidId, LeftOut>;

/// Everything a decision depends on.
#[derive(Debug)]
pub(crate) struct Case {
    /// 1 for the auction's own decision, 2 for the runner-up.
    pub(crate) attempt: u8,
    pub(crate) cut: Arc<Cut>,
    pub(crate) stream: Arc<Stream>,
    pub(crate) closing: Closing,
    pub(crate) bidders: Bidders,
    /// The cut's intents with signatures that can travel in a batch.
    pub(crate) intents: BTreeMap<IntentId, SignedIntent>,
    /// Intents of the cut that left the book on chain meanwhile.
    pub(crate) gone: BTreeSet<IntentId>,
}

/// A decision, and its winners' batch unless nobody won.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) decision: Decision,
    pub(crate) settlement: Option<NewSettlement>,
}

/// What is told and paid by a decision, but not needed to simulate it.
#[derive(Debug, Default)]
pub(crate) struct Afterthought {
    pub(crate) insights: Vec<IntentInsight>,
    pub(crate) references: Vec<Reference>,
}

/// A draft, and what else follows from the decision.
#[derive(Debug)]
pub(crate) struct Deliberated {
    pub(crate) draft: Draft,
    pub(crate) rest: Rest,
}

/// What is counted once it is asked for: before that it would take the processor from what the
/// outcome waits for (the node's run of the winners, the transaction). A thread keeps what was prepared; it ends when
/// this is dropped.
#[derive(Debug)]
pub(crate) struct Rest {
    go: oneshot::Sender<()>,
    counted: JoinHandle<Afterthought>,
}

impl Deliberated {
    /// The bids that make no batch: they are left out of every round after.
    pub(crate) fn unpackable(&self) -> LeftOuts {
        let mut left_out = self.draft.decision.left_out();
        left_out.retain(|_, because| *because == LeftOut::Unpackable);
        left_out
    }
}

impl Rest {
    /// Counts it. `None` if the thread died.
    pub(crate) async fn count(self) -> Option<Afterthought> {
        // the thread is not gone before it was told
        let _ = self.go.send(());
        self.counted.await.ok()
    }
}

impl Case {
    /// Bids of keys that do not sign for their solver, and on intents that are gone.
    pub(crate) fn left_out(&self) -> LeftOuts {
        let gone = touching(&self.stream.received, &self.gone);
        let foreign = self.bidders.unauthorised.iter().map(|bid| (*bid, LeftOut::KeyForeign));
        gone.into_iter().map(|bid| (bid, LeftOut::IntentGone)).chain(foreign).collect()
    }

    /// The batch's head.
    pub(crate) fn header(&self) -> BatchHeader {
        BatchHeader {
            auction: self.cut.opening().auction_id,
            attempt: self.attempt,
            open_hash: self.cut.open_hash(),
            bids_root: self.closing.bids_root,
            bid_count: self.closing.bid_count,
        }
    }

    /// Bids as they were signed, by digest.
    pub(crate) fn signed(&self) -> BTreeMap<BidId, &SignedBid> {
        self.stream.bids.iter().map(|placed| (placed.id, &placed.signed)).collect()
    }
}

/// Decides without `left_out` on a thread of its own; what does not fit the batch's format is left
/// out too. Returns as soon as there is a draft.
pub(crate) async fn deliberate(
    case: &Arc<Case>,
    left_out: &LeftOuts,
) -> Result<Deliberated, AuctionError> {
    let (tell, told) = oneshot::channel();
    let (go, gone) = oneshot::channel();
    let (case, left_out) = (Arc::clone(case), left_out.clone());
    let counted = tokio::task::spawn_blocking(move || {
        think(&case, left_out, |draft| {
            // nobody listens if the auction was given up meanwhile
            let _ = tell.send(draft);
            gone.blocking_recv().is_ok()
        })
    });
    let draft = told.await.map_err(|_| AuctionError::Lost)??;
    Ok(Deliberated { draft, rest: Rest { go, counted } })
}

fn think(
    case: &Case,
    mut left_out: LeftOuts,
    tell: impl FnOnce(Result<Draft, AuctionError>) -> bool,
) -> Afterthought {
    let signed = case.signed();
    let (cut, received, standings) = (&case.cut, &case.stream.received, &case.bidders.standings);
    let shares = Shares::of(cut);
    loop {
        let mut deliberation = Deliberation::new(cut, received, standings, &left_out);
        let decision = deliberation.decide();
        let winners: Vec<(BidId, &SignedBid)> =
            decision.winners.iter().filter_map(|id| Some((*id, *signed.get(id)?))).collect();
        let settlement = match winners.as_slice() {
            [] => None,
            winners => match pack(&case.header(), winners, &case.intents, &shares) {
                Ok(settlement) => Some(settlement),
                // each round leaves out one more at least, so this ends
                Err(PackError::Unfit(unfit)) => {
                    left_out.extend(unfit.into_iter().map(|bid| (bid, LeftOut::Unpackable)));
                    continue;
                }
                Err(PackError::Whole(error)) => {
                    let _ = tell(Err(AuctionError::Batch(error)));
                    return Afterthought::default();
                }
            },
        };
        if !tell(Ok(Draft { decision: decision.clone(), settlement })) {
            return Afterthought::default();
        }
        let insights = insights(cut, received, &decision);
        return Afterthought { insights, references: deliberation.references(&decision) };
    }
}

fn touching(bids: &[ReceivedBid], gone: &BTreeSet<IntentId>) -> BTreeSet<BidId> {
    let touches =
        |bid: &&ReceivedBid| bid.bid.fills().iter().any(|fill| gone.contains(&fill.intent));
    bids.iter().filter(touches).map(|bid| bid.id).collect()
}

#[cfg(test)]
mod tests;

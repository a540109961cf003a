//! What was received, and whether it can be vouched for: pure, and long enough with many bids to
//! be kept off the runtime's threads.

use std::collections::{BTreeSet, HashMap};

use alloy::primitives::{Address, B256};
use domain::{
    AuctionId, BidId,
    auction::{ReceivedBid, bids_root},
    batch::SignedBid,
    eip712::SigningDomain,
};
use infra::{
    chain::Bidder,
    pg::{auction::Closing, bid::PlacedBid},
    redis::QueuedBid,
};

/// A bid's place in the stream.
pub(crate) type Place = (BidId, u64, u64);

/// Why an auction is void: stable codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VoidReason {
    /// The queue is gone: bids may have been in it.
    QueueLost,
    /// The queue lacks a bid that was made durable, or has another place for it; or the rows are
    /// not those whose root was announced.
    BidsDisagree,
    /// The queue holds what is no bid of this auction.
    QueueCorrupt,
}

impl VoidReason {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::QueueLost => "queue_lost",
            Self::BidsDisagree => "bids_disagree",
            Self::QueueCorrupt => "queue_corrupt",
        }
    }
}

/// The bids of one auction as far as they are read, in the order of the stream, with all that
/// can be known of them before the close: who signed them is the most expensive of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    pub(crate) bids: Vec<PlacedBid>,
    /// What the rules see of each.
    pub(crate) received: Vec<ReceivedBid>,
    /// Who bids, of each; `None` if no key recovers from the signature.
    pub(crate) bidders: Vec<Option<Bidder>>,
    references: HashMap<(Address, B256), BidId>,
}

impl Stream {
    /// The place after which the queue is to be read on.
    pub(crate) fn end(&self) -> Option<(u64, u64)> {
        self.bids.last().map(|bid| (bid.ms, bid.seq))
    }

    /// Reads the queue's next entries.
    ///
    /// # Errors
    /// [`VoidReason::QueueCorrupt`] for an entry that is no bid, or not the bid it is filed as, or
    /// for two bids of one solver under one reference: nothing of ours puts such entries there.
    pub(crate) fn extend(
        &mut self,
        domain: &SigningDomain,
        auction: AuctionId,
        entries: &[QueuedBid],
    ) -> Result<(), VoidReason> {
        for entry in entries {
            let signed: SignedBid =
                serde_json::from_slice(&entry.body).map_err(|_| VoidReason::QueueCorrupt)?;
            let id = signed.bid.id(domain);
            let terms = signed.bid.terms();
            let reference = (terms.solver, terms.client_bid_id);
            let first = *self.references.entry(reference).or_insert(id);
            // a bid signed for another auction is received, and then dropped by the rules
            if id != entry.bid_id || id != first {
                return Err(VoidReason::QueueCorrupt);
            }
            self.push(PlacedBid { auction, id, ms: entry.ms, seq: entry.seq, signed });
        }
        Ok(())
    }

    /// The same from an auction's durable rows.
    pub(crate) fn of_rows(rows: impl IntoIterator<Item = PlacedBid>) -> Self {
        let mut stream = Self::default();
        rows.into_iter().for_each(|placed| stream.push(placed));
        stream
    }

    fn push(&mut self, placed: PlacedBid) {
        let PlacedBid { id, ms, seq, .. } = placed;
        self.bidders.push(bidder(id, &placed.signed));
        self.received.push(ReceivedBid { id, ms, seq, bid: placed.signed.bid.clone() });
        self.bids.push(placed);
    }

    /// Root and count over every bid received, valid or not.
    pub(crate) fn closing(&self) -> Closing {
        let bid_count = u32::try_from(self.received.len()).unwrap_or(u32::MAX);
        Closing { bids_root: bids_root(&self.received), bid_count }
    }
}

/// Whose key signed, for which solver, with which filler.
fn bidder(id: BidId, signed: &SignedBid) -> Option<Bidder> {
    let terms = signed.bid.terms();
    let key = signed.signature.recover(id.get()).ok()?;
    Some(Bidder { key, solver: terms.solver, filler: terms.filler })
}

/// The received bids that have no durable row: an api that died between queue and row.
///
/// # Errors
/// [`VoidReason::BidsDisagree`] if a durable row is not in the stream, or elsewhere in it.
pub(crate) fn missing_rows(
    received: &[PlacedBid],
    durable: &[Place],
) -> Result<Vec<PlacedBid>, VoidReason> {
    let stream: BTreeSet<Place> = received.iter().map(|bid| (bid.id, bid.ms, bid.seq)).collect();
    if durable.iter().any(|place| !stream.contains(place)) {
        return Err(VoidReason::BidsDisagree);
    }
    let known: BTreeSet<BidId> = durable.iter().map(|(id, ..)| *id).collect();
    Ok(received.iter().filter(|bid| !known.contains(&bid.id)).cloned().collect())
}

#[cfg(test)]
mod tests;

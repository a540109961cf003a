//! What was received, and whether it can be vouched for: pure.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AuctionId, BidId, batch::SignedBid, eip712::SigningDomain};
use infra::{pg::bid::PlacedBid, redis::QueuedBid};

/// A bid's place in the stream.
pub(crate) type Place = (BidId, u64, u64);

/// Why an auction is void: stable codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VoidReason {
    /// The queue is gone: bids may have been in it.
    QueueLost,
    /// The queue lacks a bid that was made durable, or has another place for it.
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

/// The queue's entries as bids, in the order of the stream.
///
/// # Errors
/// [`VoidReason::QueueCorrupt`] for an entry that is no bid, or not the bid it is filed as, or for
/// two bids of one solver under one reference: nothing of ours puts such entries there.
pub(crate) fn placed(
    domain: &SigningDomain,
    auction: AuctionId,
    entries: &[QueuedBid],
) -> Result<Vec<PlacedBid>, VoidReason> {
    let mut references = BTreeMap::new();
    let mut bids = Vec::with_capacity(entries.len());
    for entry in entries {
        let signed: SignedBid =
            serde_json::from_slice(&entry.body).map_err(|_| VoidReason::QueueCorrupt)?;
        let id = signed.bid.id(domain);
        let terms = signed.bid.terms();
        let first = *references.entry((terms.solver, terms.client_bid_id)).or_insert(id);
        // a bid signed for another auction is received, and then dropped by the rules
        if id != entry.bid_id || id != first {
            return Err(VoidReason::QueueCorrupt);
        }
        bids.push(PlacedBid { auction, id, ms: entry.ms, seq: entry.seq, signed });
    }
    Ok(bids)
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

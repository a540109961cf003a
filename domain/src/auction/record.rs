//! Everything about an auction: what of it is public when (design A11), whether it is consistent,
//! and whether it follows from the auction before. All of it can be repeated by anybody from the
//! exported file alone; what needs the chain or receipts is `gavel audit`'s.

mod contents;
mod fault;
mod full;
mod gone;
mod lineage;
mod second;
mod simulated;
mod verify;

pub use contents::{Announced, Closing, Contents, PublicRecord, RecordedBid};
pub use fault::RecordFault;
pub use full::AuctionRecord;
pub use lineage::{Lineage, LineageFault};

use super::{BidLeaf, Decision, ReceivedBid, Simulation, Standings, bids_tree};

/// The record's format, and the engine that decides: a search that counts its nodes otherwise, or
/// takes another set where it ends, is another version.
pub const VERSION: u32 = 4;

/// One of an auction's decisions with what it was made on, beside the cut.
#[derive(Clone, Copy, Debug)]
struct Told<'a> {
    bids: &'a [ReceivedBid],
    standings: &'a Standings,
    simulation: Option<&'a Simulation>,
    decision: &'a Decision,
}

fn closing(bids: &[RecordedBid]) -> Closing {
    let leaf = |(index, bid): (u32, &RecordedBid)| BidLeaf {
        index,
        bid: bid.id,
        ms: bid.ms,
        seq: bid.seq,
    };
    let leaves: Vec<BidLeaf> = (0..).zip(bids).map(leaf).collect();
    Closing { bid_count: leaves.len() as u32, bids_root: bids_tree(&leaves).root() }
}

pub(super) fn received(bids: &[RecordedBid]) -> Vec<ReceivedBid> {
    let received = |bid: &RecordedBid| {
        let RecordedBid { id, ms, seq, signed } = bid;
        ReceivedBid { id: *id, ms: *ms, seq: *seq, bid: signed.bid.clone() }
    };
    bids.iter().map(received).collect()
}

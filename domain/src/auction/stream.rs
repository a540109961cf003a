//! What was received (design A8): bids in stream order, and the root that fixes them at the close.

use alloy_primitives::B256;
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Bid, BidId,
    merkle::{StandardTree, leaf_hash},
};

/// A bid with its place in the auction's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedBid {
    /// The bid's digest.
    pub id: BidId,
    /// The milliseconds of its stream id.
    pub ms: u64,
    /// The sequence number of its stream id.
    pub seq: u64,
    /// What was signed.
    pub bid: Bid,
}

/// What a receipt without its leaf proves missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidLeaf {
    /// The bid's position in stream order, from 0.
    pub index: u32,
    /// The bid's digest.
    pub bid: BidId,
    /// The milliseconds of its stream id.
    pub ms: u64,
    /// The sequence number of its stream id.
    pub seq: u64,
}

impl BidLeaf {
    /// `keccak256(keccak256(abi.encode(uint32 index, bytes32 bidDigest, uint64 ms, uint64 seq)))`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        leaf_hash(&(self.index, self.bid.get(), self.ms, self.seq).abi_encode())
    }
}

/// The leaves of a stream: every bid in it, valid or not, sorted by (ms, seq).
#[must_use]
pub fn bid_leaves(bids: &[ReceivedBid]) -> Vec<BidLeaf> {
    let mut places: Vec<_> = bids.iter().map(|bid| (bid.ms, bid.seq, bid.id)).collect();
    places.sort_unstable();
    (0..).zip(places).map(|(index, (ms, seq, bid))| BidLeaf { index, bid, ms, seq }).collect()
}

/// The tree over leaves, for the root and for proofs.
#[must_use]
pub fn bids_tree(leaves: &[BidLeaf]) -> StandardTree {
    StandardTree::new(leaves.iter().map(BidLeaf::hash).collect())
}

/// The root over every bid received; zero without any.
#[must_use]
pub fn bids_root(bids: &[ReceivedBid]) -> B256 {
    bids_tree(&bid_leaves(bids)).root()
}

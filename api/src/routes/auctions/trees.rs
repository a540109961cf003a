//! The latest bids trees, at hand: a root never changes once it is fixed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use alloy_primitives::B256;
use domain::{
    AuctionId, BidId,
    auction::{BidLeaf, bids_tree},
    merkle::StandardTree,
};

/// Trees remembered; of ten thousand bids each takes a megabyte.
const KEPT: usize = 8;

/// The leaves of an auction with their tree.
#[derive(Debug)]
pub(super) struct Tree {
    auction: AuctionId,
    leaves: Vec<BidLeaf>,
    tree: StandardTree,
}

impl Tree {
    /// Over the bids' places, in stream order.
    pub(super) fn of(auction: AuctionId, places: &[(BidId, u64, u64)]) -> Self {
        let leaf = |(index, (bid, ms, seq)): (u32, &(BidId, u64, u64))| BidLeaf {
            index,
            bid: *bid,
            ms: *ms,
            seq: *seq,
        };
        let leaves: Vec<BidLeaf> = (0..).zip(places).map(leaf).collect();
        let tree = bids_tree(&leaves);
        Self { auction, leaves, tree }
    }

    pub(super) fn root(&self) -> B256 {
        self.tree.root()
    }

    /// A bid's leaf and the siblings up to the root.
    pub(super) fn proof(&self, bid: BidId) -> Option<(BidLeaf, Vec<B256>)> {
        let leaf = self.leaves.iter().find(|leaf| leaf.bid == bid)?;
        Some((*leaf, self.tree.proof(leaf.hash())?))
    }
}

/// A small memory of trees.
#[derive(Debug, Default)]
pub(crate) struct Trees(Mutex<VecDeque<Arc<Tree>>>);

impl Trees {
    pub(super) fn get(&self, auction: AuctionId) -> Option<Arc<Tree>> {
        self.lock().iter().find(|tree| tree.auction == auction).cloned()
    }

    pub(super) fn put(&self, tree: &Arc<Tree>) {
        let mut kept = self.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(tree.clone());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Tree>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

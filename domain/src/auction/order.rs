//! The order of preference among bids (design A5), which is also the settlement order.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, keccak256};

use super::ReceivedBid;
use crate::OpenHash;

/// Where a bid stands: `keccak256(openHash ‖ solver)`, then its position among all bids received
/// from that solver. Nobody can choose a place: the hash is unknown until the auction opens, and
/// a solver's own bids keep the order it sent them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Preference {
    solver: B256,
    position: u32,
}

/// The preferences of bids, which stand in stream order.
pub(super) fn preferences(open_hash: OpenHash, bids: &[&ReceivedBid]) -> Vec<Preference> {
    let mut seen = BTreeMap::<Address, Preference>::new();
    let mut next = |solver: Address| {
        let next = seen.entry(solver).or_insert_with(|| Preference {
            solver: keccak256([open_hash.get().as_slice(), solver.as_slice()].concat()),
            position: 0,
        });
        let preference = *next;
        next.position += 1;
        preference
    };
    bids.iter().map(|bid| next(bid.bid.terms().solver)).collect()
}

//! The orders nobody can choose a place in: the opening hash is unknown until the auction opens.

use std::collections::HashMap;

use alloy_primitives::{Address, B256, keccak256};

use crate::{
    OpenHash,
    auction::ReceivedBid,
    intent::{Kind, Pair},
};

/// Where a bid stands in the order of preference (design A5), which is also the settlement order:
/// its solver's place by `keccak256(openHash ‖ solver)`, then its position among all bids received
/// from that solver, so that a solver's own bids keep the order it sent them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Preference {
    /// The solver's place among those who bid.
    pub(super) solver: u32,
    position: u32,
}

/// The preferences of bids, which stand in stream order.
pub(super) fn preferences(open_hash: OpenHash, bids: &[&ReceivedBid]) -> Vec<Preference> {
    let mut numbers = HashMap::<Address, usize>::new();
    let mut places: Vec<(B256, Address)> = Vec::new();
    let of_bid: Vec<usize> = bids
        .iter()
        .map(|bid| {
            let solver = bid.bid.terms().solver;
            *numbers.entry(solver).or_insert_with(|| {
                let place = keccak256([open_hash.get().as_slice(), solver.as_slice()].concat());
                places.push((place, solver));
                places.len() - 1
            })
        })
        .collect();
    let mut ascending: Vec<usize> = (0..places.len()).collect();
    ascending.sort_unstable_by_key(|number| places[*number]);
    let mut ranks = vec![0; places.len()];
    for (rank, number) in (0..).zip(ascending) {
        ranks[number] = rank;
    }
    let mut seen = vec![0; places.len()];
    let next = |number: usize| {
        seen[number] += 1;
        Preference { solver: ranks[number], position: seen[number] - 1 }
    };
    of_bid.into_iter().map(next).collect()
}

/// Where a pair without a reference price stands in the second pass (design A9):
/// `keccak256(openHash ‖ sell ‖ buy ‖ kind)`, the kind in one byte as it is signed.
pub(super) fn place_of_pair(open_hash: OpenHash, pair: Pair, kind: Kind) -> B256 {
    let hash = open_hash.get();
    let parts = [hash.as_slice(), pair.sell.as_slice(), pair.buy.as_slice(), &[u8::from(kind)]];
    keccak256(parts.concat())
}

//! What the registry says about the solvers of an auction, read once and recorded.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::{Amount, AuctionId, event::BlockRef};

/// What is known of one solver at the block that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverStanding {
    /// Whether the registry knows it.
    pub registered: bool,
    /// Whether it may not bid now.
    pub paused: bool,
    /// Its bond less what it has asked back and the penalties of its bids in flight, in wei.
    #[serde(default)]
    pub bond: Amount,
    /// Its gas deposit less what it has asked back and what its bids in flight may cost, in wei.
    #[serde(default)]
    pub deposit: Amount,
    /// Those of its bids' nonces that are used on chain.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub used_nonces: BTreeSet<Amount>,
    /// Those that are not, and that a winning bid in flight was signed with: the chain does not show
    /// them yet, so each names the auction whose record shows that bid.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nonces_in_flight: BTreeMap<Amount, AuctionId>,
}

impl SolverStanding {
    /// Whether a bid with this nonce would not be attempted: another has used it, or is about to.
    #[must_use]
    pub fn has_used(&self, nonce: Amount) -> bool {
        self.used_nonces.contains(&nonce) || self.nonces_in_flight.contains_key(&nonce)
    }
}

/// The standing of everybody who bid. Who is not in it is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standings {
    /// The block they were read at, if it was one block; then anybody can read them again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<BlockRef>,
    /// What a unit of gas is reserved at, in wei: more than it will cost, or bids that win now could
    /// not be repaid later.
    #[serde(default)]
    pub gas_price: Amount,
    /// By solver account.
    pub solvers: BTreeMap<Address, SolverStanding>,
    /// Filler contract to the solver it bound itself to; a filler that is not in it is unbound.
    pub fillers: BTreeMap<Address, Address>,
}

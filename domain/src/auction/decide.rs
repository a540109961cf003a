//! The decision: verdicts on every bid, and the winners.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Cut, DropReason, ReceivedBid, Standings};
use crate::{Amount, BidId};

/// The outcome of an auction: a pure function of what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// One verdict per received bid, in stream order.
    pub verdicts: Vec<Verdict>,
    /// The winners in settlement order.
    pub winners: Vec<BidId>,
    /// The winners' scores added up, in numéraire atoms.
    pub total_score: Amount,
    /// How far the best set could at most lie above that; zero = proven optimal.
    pub gap: Amount,
    /// Nodes the search visited.
    pub nodes: u64,
}

/// What became of one bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// The bid.
    pub bid: BidId,
    /// What became of it.
    #[serde(flatten)]
    pub ruling: Ruling,
}

/// How a bid was ruled on. JSON: `{"verdict": "won", "score": …, "rank": …}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Ruling {
    /// It settles.
    Won {
        /// Its score, in numéraire atoms.
        score: Amount,
        /// Its place in settlement order, from 0.
        rank: u32,
    },
    /// It kept every rule, and a better set won.
    Lost {
        /// Its score, in numéraire atoms.
        score: Amount,
        /// With this much more score it would have taken the place of the winners it excludes.
        short_by: Amount,
    },
    /// It broke a rule.
    Dropped(DropReason),
}

impl Ruling {
    /// The score, if it kept every rule.
    #[must_use]
    pub const fn score(&self) -> Option<Amount> {
        match self {
            Self::Won { score, .. } | Self::Lost { score, .. } => Some(*score),
            Self::Dropped(_) => None,
        }
    }
}

/// Decides an auction. The order of `bids` does not matter, only their recorded places.
#[must_use]
pub fn decide(cut: &Cut, bids: &[ReceivedBid], standings: &Standings) -> Decision {
    decide_without(cut, bids, standings, &BTreeSet::new())
}

/// Decides as if the bids in `left_out` kept no rule: after a failed simulation, for the
/// runner-up, and for reference scores.
#[must_use]
pub fn decide_without(
    _cut: &Cut,
    bids: &[ReceivedBid],
    _standings: &Standings,
    _left_out: &BTreeSet<BidId>,
) -> Decision {
    let mut places: Vec<_> = bids.iter().collect();
    places.sort_unstable_by_key(|bid| (bid.ms, bid.seq, bid.id));
    let dropped =
        |bid: &ReceivedBid| Verdict { bid: bid.id, ruling: Ruling::Dropped(DropReason::LeftOut) };
    Decision {
        verdicts: places.into_iter().map(dropped).collect(),
        winners: Vec::new(),
        total_score: Amount::ZERO,
        gap: Amount::ZERO,
        nodes: 0,
    }
}

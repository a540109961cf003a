//! The decision: verdicts on every bid, and the winners.

mod deliberation;
mod fairness;
mod field;
mod greedy;
mod order;
mod pass;
mod room;
mod second_pass;
mod winners;

use std::collections::BTreeMap;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use deliberation::Deliberation;

use super::{Cut, DropReason, LeftOut, ReceivedBid, Standings};
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
    /// How far the best set could at most lie above that; zero = proven optimal. Of sets of the same
    /// score, that the preferred one (A5) was found is certain only if the node budget did not end:
    /// it may after the score is proven, and `nodes` has then reached it.
    pub gap: Amount,
    /// Nodes the search visited, as the node budget counts them.
    pub nodes: u64,
    /// Pairs without a reference price, in the order they were decided in (A9).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub second_pass: Vec<PairDecision>,
    /// By solver, ascending: every solver that won in the first pass (A6). Empty until counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
}

/// What was decided on one directed pair without a reference price, in raw atoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PairDecision {
    /// What its intents sell.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub sell: Address,
    /// What they buy.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub buy: Address,
    /// The token surplus is counted in: bought by exact-in intents, sold by exact-out ones.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub token: Address,
    /// The winners' surplus, in atoms of that token.
    pub total: Amount,
    /// How far the best set could at most lie above that.
    pub gap: Amount,
    /// Nodes the search visited.
    pub nodes: u64,
}

/// What the auction would have come to without one solver (A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The solver.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub solver: Address,
    /// The best total score without any of its bids, in numéraire atoms.
    pub score: Amount,
    /// How far that optimum could at most lie above it.
    pub gap: Amount,
    /// Nodes the search visited.
    pub nodes: u64,
}

impl Decision {
    /// What was left out of it: with this the same decision can be made again.
    #[must_use]
    pub fn left_out(&self) -> BTreeMap<BidId, LeftOut> {
        let because = |verdict: &Verdict| match verdict.ruling {
            Ruling::Dropped(DropReason::LeftOut { because }) => Some((verdict.bid, because)),
            Ruling::Dropped(_) | Ruling::Won { .. } | Ruling::Lost { .. } => None,
        };
        self.verdicts.iter().filter_map(because).collect()
    }
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
        /// The token of the score, where its pair has no reference price: then it is in raw atoms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        token: Option<Address>,
    },
    /// It kept every rule, and a better set won.
    Lost {
        /// Its score, in numéraire atoms.
        score: Amount,
        /// With this much more score it would have taken the place of the winners it excludes.
        short_by: Amount,
        /// The token of both, where its pair has no reference price: then they are in raw atoms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        token: Option<Address>,
    },
    /// It broke a rule.
    Dropped(DropReason),
}

impl Ruling {
    /// The token of its score, where that is in raw atoms of one.
    #[must_use]
    pub const fn token(&self) -> Option<Address> {
        match self {
            Self::Won { token, .. } | Self::Lost { token, .. } => *token,
            Self::Dropped(_) => None,
        }
    }

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
    decide_without(cut, bids, standings, &BTreeMap::new())
}

/// Decides without the bids in `left_out`: those that something outside of the record speaks
/// against, the failed bid before a runner-up, a solver's bids for its reference score.
#[must_use]
pub fn decide_without(
    cut: &Cut,
    bids: &[ReceivedBid],
    standings: &Standings,
    left_out: &BTreeMap<BidId, LeftOut>,
) -> Decision {
    Deliberation::new(cut, bids, standings, left_out).decide()
}

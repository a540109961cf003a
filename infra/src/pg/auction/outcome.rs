//! What an auction's row keeps of its decision, enough to repeat it.

use domain::{
    Amount, BidId,
    auction::{Decision, IntentInsight, Simulation, Standings},
};
use serde::{Deserialize, Serialize};

/// How an auction came out. Public in whole once the auction is published.
// one a window, and nearly always the large variant
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Its bids were judged; there may be no winner among them.
    Decided {
        /// Verdicts, winners and references.
        decision: Decision,
        /// What was found by running the winners.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        simulation: Option<Simulation>,
        /// What the registry said of the bidders: part of what was judged on.
        standings: Standings,
        /// What it meant for each intent.
        insights: Vec<IntentInsight>,
    },
    /// Its bids cannot be vouched for.
    Void {
        /// Why, a stable code.
        reason: String,
    },
}

impl Outcome {
    /// The decision, unless the auction is void.
    #[must_use]
    pub const fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decided { decision, .. } => Some(decision),
            Self::Void { .. } => None,
        }
    }

    /// The winners in settlement order and their total score: public at the decision.
    #[must_use]
    pub fn winners(&self) -> Option<(&[BidId], Amount)> {
        self.decision().map(|decision| (decision.winners.as_slice(), decision.total_score))
    }
}

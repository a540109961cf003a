//! The exported file. Its canonical form is what [`PublicRecord::canonical`] writes: the fields in
//! the order they stand here, without white space.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::super::{
    Decision, OpeningRecord, PairDecision, Reference, RunnerUp, Simulation, Standings, Verdict,
};
use crate::{
    Amount, BidId, OpenHash,
    batch::{SignedBid, SignedIntent},
};

/// A bid as it is exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedBid {
    /// The bid's digest.
    pub id: BidId,
    /// The milliseconds of its stream id.
    pub ms: u64,
    /// The sequence number of its stream id.
    pub seq: u64,
    /// What was signed, with the signature.
    pub signed: SignedBid,
}

/// What is fixed at the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// How many bids were received.
    pub bid_count: u32,
    /// The Merkle root over them.
    pub bids_root: B256,
}

/// What is public of a decision at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// The winners in settlement order.
    pub winners: Vec<BidId>,
    /// Their scores added up, in numéraire atoms.
    pub total_score: Amount,
    /// How far the best set could at most lie above that.
    pub gap: Amount,
    /// Nodes the search visited.
    pub nodes: u64,
}

impl Announced {
    /// The public part of a decision.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        Self {
            winners: decision.winners.clone(),
            total_score: decision.total_score,
            gap: decision.gap,
            nodes: decision.nodes,
        }
    }
}

/// What stays sealed until the auction's last reveal is mined or expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// The cut's intents, by id.
    pub intents: Vec<SignedIntent>,
    /// Every bid received, in stream order.
    pub bids: Vec<RecordedBid>,
    /// What the registry said of the bidders.
    pub standings: Standings,
    /// What running the winners found; absent if nobody won, or the auction is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulation: Option<Simulation>,
    /// A verdict per bid, in stream order; none if the auction is void.
    pub verdicts: Vec<Verdict>,
    /// Pairs without a reference price.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub second_pass: Vec<PairDecision>,
    /// The reference scores of the solvers that won.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// What was decided over what failed on chain; absent if nothing failed, or nobody bid on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<RunnerUp>,
}

/// An auction as far as it is public; once it is published, all of it: the exported file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicRecord {
    /// The format and engine: [`super::VERSION`].
    pub version: u32,
    /// The opening record: public from the opening on.
    pub opening: OpeningRecord,
    /// Its hash.
    pub open_hash: OpenHash,
    /// From the close on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
    /// Why the auction has no decision, a stable code: its bids cannot be vouched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<String>,
    /// From the decision on, unless the auction is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Announced>,
    /// From the second decision on, if winners failed on chain and there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<Announced>,
    /// Once the last reveal is mined or expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
}

impl PublicRecord {
    /// The one canonical text of the record.
    ///
    /// # Errors
    /// None that a record can cause: serde's own.
    pub fn canonical(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl Contents {
    /// The whole decision, put together again from its sealed and its `announced` part.
    #[must_use]
    pub fn decision(&self, announced: &Announced) -> Decision {
        Decision {
            verdicts: self.verdicts.clone(),
            winners: announced.winners.clone(),
            total_score: announced.total_score,
            gap: announced.gap,
            nodes: announced.nodes,
            second_pass: self.second_pass.clone(),
            references: self.references.clone(),
        }
    }
}

//! The whole record, and what of it is public when.

use std::collections::BTreeMap;

use super::{
    super::{Decision, OpeningRecord, RunnerUp, Simulation, Standings},
    Announced, Closing, Contents, PublicRecord, RecordedBid, VERSION,
};
use crate::{IntentId, batch::SignedIntent, status::AuctionStatus};

/// A finished auction with all its contents.
#[derive(Clone, Debug)]
pub struct AuctionRecord {
    /// What it was opened with.
    pub opening: OpeningRecord,
    /// What was fixed at its close.
    pub closing: Closing,
    /// The cut's intents.
    pub intents: BTreeMap<IntentId, SignedIntent>,
    /// Every bid received, in stream order.
    pub bids: Vec<RecordedBid>,
    /// What the registry said of the bidders.
    pub standings: Standings,
    /// What running the winners found; `None` if nobody won, or the auction is void.
    pub simulation: Option<Simulation>,
    /// What was decided, or why nothing could be: a stable code.
    pub decision: Result<Decision, String>,
    /// The second attempt, if there was one.
    pub runner_up: Option<RunnerUp>,
}

impl AuctionRecord {
    /// The root and the count of bids: what a close fixes.
    #[must_use]
    pub fn closing_of(bids: &[RecordedBid]) -> Closing {
        super::closing(bids)
    }

    /// What of it is public in the state `status`.
    #[must_use]
    pub fn public(&self, status: AuctionStatus) -> PublicRecord {
        let (closed, published) = match status {
            AuctionStatus::Open => (false, false),
            AuctionStatus::Decided | AuctionStatus::Void => (true, false),
            AuctionStatus::Published => (true, true),
        };
        let decided = self.decision.as_ref().ok();
        let second = self.runner_up.as_ref().filter(|_| closed);
        PublicRecord {
            version: VERSION,
            opening: self.opening.clone(),
            open_hash: self.opening.hash(),
            closing: closed.then_some(self.closing),
            void: self.decision.as_ref().err().filter(|_| closed).cloned(),
            decision: decided.filter(|_| closed).map(Announced::of),
            runner_up: second.map(|second| Announced::of(&second.decision)),
            contents: published.then(|| Contents {
                intents: self.intents.values().cloned().collect(),
                bids: self.bids.clone(),
                standings: self.standings.clone(),
                simulation: self.simulation.clone(),
                verdicts: decided.map(|found| found.verdicts.clone()).unwrap_or_default(),
                second_pass: decided.map(|found| found.second_pass.clone()).unwrap_or_default(),
                references: decided.map(|found| found.references.clone()).unwrap_or_default(),
                runner_up: self.runner_up.clone(),
            }),
        }
    }
}

//! Everything about an auction, what of it is public when (design A11), and whether it is
//! consistent: what anybody can repeat from the record alone.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::{
    Cut, CutError, Decision, Deliberation, OpeningRecord, PairDecision, ReceivedBid, Reference,
    Simulation, Standings, Verdict, bid_leaves, bids_tree,
};
use crate::{
    Amount, BidId, IntentId, OpenHash,
    batch::{SignedBid, SignedIntent},
    eip712::SigningDomain,
    status::AuctionStatus,
};

/// A finished auction with all its contents.
#[derive(Clone, Debug)]
pub struct AuctionRecord {
    /// What it was opened with.
    pub opening: OpeningRecord,
    /// The cut's intents.
    pub intents: BTreeMap<IntentId, SignedIntent>,
    /// Every bid received, in stream order.
    pub bids: Vec<RecordedBid>,
    /// What the registry said of the bidders.
    pub standings: Standings,
    /// What running the winners found; `None` if nobody won, or the auction is void.
    pub simulation: Option<Simulation>,
    /// What was decided; `None` if the auction is void.
    pub decision: Option<Decision>,
}

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
}

/// An auction as far as it is public; once it is published, all of it: the exported file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicRecord {
    /// The format, 1.
    pub version: u32,
    /// The opening record: public from the opening on.
    pub opening: OpeningRecord,
    /// Its hash.
    pub open_hash: OpenHash,
    /// From the close on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
    /// From the decision on, unless the auction is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Announced>,
    /// Once the last reveal is mined or expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
}

/// What in a record contradicts the rest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// The record is of another version.
    #[error("the record's version is {0}, not 1")]
    Version(u32),
    /// The opening record does not have the hash that was announced.
    #[error("the opening record hashes to {0}")]
    OpenHash(OpenHash),
    /// The opening record and the intents do not belong together.
    #[error(transparent)]
    Cut(#[from] CutError),
    /// There are contents without a close.
    #[error("contents without a close")]
    NotClosed,
    /// Another number of bids than was fixed at the close.
    #[error("{0} bids are recorded, another number was fixed at the close")]
    BidCount(u32),
    /// A bid is not what its digest says.
    #[error("what is recorded as bid {0} is another one")]
    ForeignBid(BidId),
    /// Bids are not in stream order.
    #[error("bid {0} is out of stream order")]
    Order(BidId),
    /// The bids do not have the root that was fixed at the close.
    #[error("the bids' root is {0}")]
    BidsRoot(B256),
    /// A verdict is another one when the decision is repeated.
    #[error("bid {0} is judged otherwise")]
    Verdict(BidId),
    /// There are not as many verdicts as bids.
    #[error("{0} verdicts")]
    Verdicts(usize),
    /// Other winners, score, gap or number of nodes come out when the decision is repeated.
    #[error("the decision is another one")]
    Decision,
}

impl AuctionRecord {
    /// What of it is public in the state `status`.
    #[must_use]
    pub fn public(&self, status: AuctionStatus) -> PublicRecord {
        let (closed, published) = match status {
            AuctionStatus::Open => (false, false),
            AuctionStatus::Decided | AuctionStatus::Void => (true, false),
            AuctionStatus::Published => (true, true),
        };
        let announced = |decision: &Decision| Announced {
            winners: decision.winners.clone(),
            total_score: decision.total_score,
            gap: decision.gap,
            nodes: decision.nodes,
        };
        let decided = self.decision.as_ref();
        PublicRecord {
            version: 1,
            opening: self.opening.clone(),
            open_hash: self.opening.hash(),
            closing: closed.then(|| closing(&received(&self.bids))),
            decision: self.decision.as_ref().filter(|_| closed).map(announced),
            contents: published.then(|| Contents {
                intents: self.intents.values().cloned().collect(),
                bids: self.bids.clone(),
                standings: self.standings.clone(),
                simulation: self.simulation.clone(),
                verdicts: decided.map(|found| found.verdicts.clone()).unwrap_or_default(),
                second_pass: decided.map(|found| found.second_pass.clone()).unwrap_or_default(),
                references: decided.map(|found| found.references.clone()).unwrap_or_default(),
            }),
        }
    }
}

impl PublicRecord {
    /// Repeats everything that can be repeated from this record alone: hash, digests, root, and
    /// the decision. Whether the chain agrees, and whether anything that bears a receipt is
    /// missing, are other questions.
    ///
    /// # Errors
    /// The first contradiction, named.
    pub fn verify(&self) -> Result<(), RecordFault> {
        if self.version != 1 {
            return Err(RecordFault::Version(self.version));
        }
        let open_hash = self.opening.hash();
        if open_hash != self.open_hash {
            return Err(RecordFault::OpenHash(open_hash));
        }
        let Some(contents) = &self.contents else { return Ok(()) };
        let domain = SigningDomain::new(self.opening.chain_id, self.opening.settlement);
        let intents = contents
            .intents
            .iter()
            .map(|signed| (signed.intent.id(&domain), signed.intent.clone()));
        let cut = Cut::new(self.opening.clone(), intents.collect())?;
        self.verify_bids(contents, &domain)?;
        let Some(announced) = &self.decision else {
            return match contents.verdicts.len() {
                0 => Ok(()),
                more => Err(RecordFault::Verdicts(more)),
            };
        };
        if contents.verdicts.len() != contents.bids.len() {
            return Err(RecordFault::Verdicts(contents.verdicts.len()));
        }
        let recorded = Decision {
            verdicts: contents.verdicts.clone(),
            winners: announced.winners.clone(),
            total_score: announced.total_score,
            gap: announced.gap,
            nodes: announced.nodes,
            second_pass: contents.second_pass.clone(),
            references: contents.references.clone(),
        };
        let bids = received(&contents.bids);
        let left_out = recorded.left_out();
        let mut again = Deliberation::new(&cut, &bids, &contents.standings, &left_out);
        let mut repeated = again.decide();
        repeated.references = again.references(&repeated);
        let mut pairs = repeated.verdicts.iter().zip(&recorded.verdicts);
        if let Some((_, other)) = pairs.find(|(ours, theirs)| ours != theirs) {
            return Err(RecordFault::Verdict(other.bid));
        }
        if repeated == recorded { Ok(()) } else { Err(RecordFault::Decision) }
    }

    fn verify_bids(&self, contents: &Contents, domain: &SigningDomain) -> Result<(), RecordFault> {
        let mut last = None;
        for bid in &contents.bids {
            if bid.signed.bid.id(domain) != bid.id {
                return Err(RecordFault::ForeignBid(bid.id));
            }
            let place = Some((bid.ms, bid.seq));
            if place <= last {
                return Err(RecordFault::Order(bid.id));
            }
            last = place;
        }
        let fixed = self.closing.ok_or(RecordFault::NotClosed)?;
        let found = closing(&received(&contents.bids));
        if found.bid_count != fixed.bid_count {
            return Err(RecordFault::BidCount(found.bid_count));
        }
        if found.bids_root != fixed.bids_root {
            return Err(RecordFault::BidsRoot(found.bids_root));
        }
        Ok(())
    }
}

fn closing(bids: &[ReceivedBid]) -> Closing {
    let leaves = bid_leaves(bids);
    Closing { bid_count: leaves.len() as u32, bids_root: bids_tree(&leaves).root() }
}

fn received(bids: &[RecordedBid]) -> Vec<ReceivedBid> {
    let received = |bid: &RecordedBid| {
        let RecordedBid { id, ms, seq, signed } = bid;
        ReceivedBid { id: *id, ms: *ms, seq: *seq, bid: signed.bid.clone() }
    };
    bids.iter().map(received).collect()
}

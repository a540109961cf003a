//! Auctions over REST.

use alloy_primitives::{B256, Bytes};
use domain::{
    Amount, AuctionId, BidId, OpenHash,
    auction::{PairDecision, Reference, Ruling},
    bid::{Leg, Terms},
    event::{BlockRef, CutIntent, TokenPrice},
    status::{AuctionStatus, SettlementStatus},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::{BidTerms, LegMessage};

/// An auction as far as it is public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionView {
    /// Its number.
    pub id: AuctionId,
    /// Where it stands.
    pub status: AuctionStatus,
    /// Hash of the opening record.
    pub open_hash: OpenHash,
    /// When the window opened, Redis time, Unix milliseconds.
    pub opened_at_ms: u64,
    /// A bid counts if it was queued before this, Redis time, Unix milliseconds.
    pub closes_at_ms: u64,
    /// The block whose state was read.
    pub block: BlockRef,
    /// The intents to be bid on.
    pub intents: Vec<CutIntent>,
    /// Reference prices scores are counted in.
    pub prices: Vec<TokenPrice>,
    /// How many bids were received; from the close on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid_count: Option<u32>,
    /// The Merkle root over them; from the close on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub bids_root: Option<B256>,
    /// The winning bids in settlement order; from the decision on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winners: Option<Vec<BidId>>,
    /// Their total score, in numéraire atoms; from the decision on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_score: Option<Amount>,
    /// How far the best set could at most lie above it; zero = proven optimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Amount>,
    /// The winning bids of the second attempt, if bids of the first failed on chain; from its decision
    /// on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up_winners: Option<Vec<BidId>>,
    /// Its batches on their way to the chain.
    #[serde(default)]
    pub settlements: Vec<SettlementView>,
    /// Why it has no winners, a stable code; from the decision on, if the auction is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<String>,
    /// Pairs without a reference price, decided by themselves; once the auction is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_pass: Option<Vec<PairDecision>>,
    /// What it would have come to without each of the solvers that won; once it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<Vec<Reference>>,
}

/// A page of `GET /v1/auctions/{id}/bids` and `.../bids/own`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidPage {
    /// The bids in stream order.
    pub items: Vec<PublishedBid>,
    /// Pass as `after` for more; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A page of `GET /v1/auctions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionPage {
    /// The auctions.
    pub items: Vec<AuctionView>,
    /// Pass as `after` for more; absent at the end.
    pub next: Option<String>,
}

/// One attempt to settle an auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettlementView {
    /// 1 = the auction's own decision.
    pub attempt: u8,
    /// Where it stands.
    pub status: SettlementStatus,
    /// The commitment, once one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub commitment: Option<B256>,
    /// The mined commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub commit_tx: Option<B256>,
    /// The mined reveal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reveal_tx: Option<B256>,
}

/// A bid with all it holds: to anybody once its auction is published, to its solver at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedBid {
    /// Its EIP-712 digest.
    pub id: BidId,
    /// When it was queued, Redis time, Unix milliseconds.
    pub ms: u64,
    /// Its number within that millisecond.
    pub seq: u64,
    /// What was signed.
    #[schema(value_type = BidTerms)]
    pub bid: Terms,
    /// Its transfers.
    #[schema(value_type = Vec<LegMessage>)]
    pub legs: Vec<Leg>,
    /// The data the filler is called with.
    #[schema(value_type = String)]
    pub callback: Bytes,
    /// The solver's signature, 64 bytes (EIP-2098) or 65.
    #[schema(value_type = String)]
    pub signature: Bytes,
    /// What the auction found: score and rank, or how much was missing, or the rule it breaks.
    /// From the decision on; never in a void auction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Ruling>,
}

//! What the public stream says (`intent-stream.v1`): the same bodies on SSE, WebSocket and REST.
//!
//! Nothing here gives away what a sealed bid holds: contents follow with `auction.published`.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, AuctionId, BidId, Intent, IntentId, OpenHash, auction::Params};

/// One event of the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "data")]
pub enum Event {
    /// An intent entered the book, or came back to it.
    #[serde(rename = "intent.opened")]
    IntentOpened(IntentOpened),
    /// An intent was withdrawn by its owner.
    #[serde(rename = "intent.cancelled")]
    IntentCancelled(IntentGone),
    /// An intent's `validTo` has passed.
    #[serde(rename = "intent.expired")]
    IntentExpired(IntentGone),
    /// A window opened: bids are taken until `closes_at_ms`.
    #[serde(rename = "auction.opened")]
    AuctionOpened(Box<AuctionOpened>),
    /// A window closed; the root fixes every bid received.
    #[serde(rename = "auction.closed")]
    AuctionClosed(AuctionClosed),
    /// The winners, by digest.
    #[serde(rename = "auction.decided")]
    AuctionDecided(AuctionDecided),
    /// No winners: the bids could not be vouched for.
    #[serde(rename = "auction.void")]
    AuctionVoid(AuctionVoid),
    /// Everything about this auction is public now.
    #[serde(rename = "auction.published")]
    AuctionPublished(AuctionPublished),
    /// The batch's commitment is in a block.
    #[serde(rename = "settlement.committed")]
    SettlementCommitted(SettlementSeen),
    /// The batch's reveal is in a block.
    #[serde(rename = "settlement.revealed")]
    SettlementRevealed(SettlementSeen),
    /// A block that held the commit or the reveal is no longer canonical.
    #[serde(rename = "settlement.reorged")]
    SettlementReorged(SettlementSeen),
    /// The commitment outlived its maximum age, or was given up; its intents are free.
    #[serde(rename = "settlement.expired")]
    SettlementExpired(SettlementExpired),
    /// An intent was filled on chain, in whole or in part.
    #[serde(rename = "intent.filled")]
    IntentFilled(IntentFilled),
    /// The bid that would have filled it failed on chain.
    #[serde(rename = "intent.fill_failed")]
    IntentFillFailed(IntentFillFailed),
    /// A solver's bid failed by its own fault and cost it a part of its bond; or the block that
    /// told so is gone.
    #[serde(rename = "solver.penalty")]
    SolverPenalty(SolverPenalty),
}

impl Event {
    /// The stable name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::IntentOpened(_) => "intent.opened",
            Self::IntentCancelled(_) => "intent.cancelled",
            Self::IntentExpired(_) => "intent.expired",
            Self::AuctionOpened(_) => "auction.opened",
            Self::AuctionClosed(_) => "auction.closed",
            Self::AuctionDecided(_) => "auction.decided",
            Self::AuctionVoid(_) => "auction.void",
            Self::AuctionPublished(_) => "auction.published",
            Self::SettlementCommitted(_) => "settlement.committed",
            Self::SettlementRevealed(_) => "settlement.revealed",
            Self::SettlementReorged(_) => "settlement.reorged",
            Self::SettlementExpired(_) => "settlement.expired",
            Self::IntentFilled(_) => "intent.filled",
            Self::IntentFillFailed(_) => "intent.fill_failed",
            Self::SolverPenalty(_) => "solver.penalty",
        }
    }
}

/// Body of `intent.opened`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentOpened {
    /// The intent's id: its EIP-712 digest.
    pub id: IntentId,
    /// The signed message. Its signature is not public before it settles.
    #[schema(value_type = Object)]
    pub intent: Intent,
    /// What is filled already, in the unit of the exact side.
    pub filled: Amount,
    /// When it was accepted, Unix milliseconds.
    pub created_at_ms: u64,
}

/// Body of `intent.cancelled` and `intent.expired`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentGone {
    /// The intent.
    pub id: IntentId,
}

/// Body of `auction.opened`: all a solver needs beside the intents it has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionOpened {
    /// The auction's number.
    pub auction_id: AuctionId,
    /// Hash of the opening record, chained to the previous one.
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
    /// The rules' numbers.
    #[serde(default)]
    pub params: Params,
}

/// An intent in an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CutIntent {
    /// The intent.
    pub id: IntentId,
    /// How much of its sell token its owner could pay at the pinned block, less what is in flight.
    pub fundable: Amount,
    /// What was filled of its exact side before.
    pub filled: Amount,
    /// Whether its owner has a fresh strike: a bid that fills it may fill no intent of anybody else.
    #[serde(default)]
    pub alone: bool,
}

/// A block of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash.
    #[schema(value_type = String)]
    pub hash: B256,
}

/// A token's reference price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenPrice {
    /// The token.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub token: Address,
    /// Numéraire atoms (wei) per 10^18 atoms of the token.
    pub price: Amount,
}

/// Body of `auction.closed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionClosed {
    /// The auction.
    pub auction_id: AuctionId,
    /// How many bids were received.
    pub bid_count: u32,
    /// The Merkle root over them.
    #[schema(value_type = String)]
    pub bids_root: B256,
}

/// Body of `auction.decided`. Where winners failed on chain the same auction may be decided once
/// more over what they left, in a batch of its own: those winners come on top of the first ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionDecided {
    /// The auction.
    pub auction_id: AuctionId,
    /// 1 for its own decision, 2 for the runner-up.
    #[serde(default = "first_attempt")]
    pub attempt: u8,
    /// The winning bids in settlement order.
    pub winners: Vec<BidId>,
    /// Their total score, in numéraire atoms.
    pub total_score: Amount,
    /// How far the best set could at most lie above it; zero = proven optimal.
    pub gap: Amount,
}

const fn first_attempt() -> u8 {
    1
}

/// Body of `auction.void`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionVoid {
    /// The auction.
    pub auction_id: AuctionId,
    /// Why, a stable code.
    pub reason: String,
}

/// Body of `auction.published`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionPublished {
    /// The auction.
    pub auction_id: AuctionId,
}

/// A transaction in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TxRef {
    /// The transaction's hash.
    #[schema(value_type = String)]
    pub tx: B256,
    /// The block that holds it.
    pub block: BlockRef,
}

/// Body of `settlement.committed`, `.revealed` and `.reorged`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettlementSeen {
    /// The auction that is settled.
    pub auction_id: AuctionId,
    /// 1 for its own decision.
    pub attempt: u8,
    /// The commitment.
    #[schema(value_type = String)]
    pub commitment: B256,
    /// The transaction that was seen, or lost.
    #[serde(flatten)]
    pub evidence: TxRef,
}

/// Body of `settlement.expired`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettlementExpired {
    /// The auction.
    pub auction_id: AuctionId,
    /// Which attempt.
    pub attempt: u8,
    /// Why, a stable code.
    pub reason: String,
}

/// Body of `intent.filled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentFilled {
    /// The intent.
    pub id: IntentId,
    /// The auction that filled it; absent if that was none of this deployment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auction_id: Option<AuctionId>,
    /// The bid that filled it.
    pub bid: BidId,
    /// Sold in this fill.
    pub sold: Amount,
    /// Bought in this fill.
    pub bought: Amount,
    /// Whether nothing is left to fill.
    pub complete: bool,
    /// The reveal transaction.
    #[serde(flatten)]
    pub evidence: TxRef,
}

/// Body of `intent.fill_failed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentFillFailed {
    /// The intent.
    pub id: IntentId,
    /// The auction.
    pub auction_id: AuctionId,
    /// The bid that failed.
    pub bid: BidId,
    /// Whose fault, as the contract found it.
    pub fault: Fault,
    /// The contract's reason: the selector of its error and the first 28 bytes of that error's
    /// argument, zeros if it has none. So a fault of an owner names the intent whose owner was short.
    #[schema(value_type = String)]
    pub reason: B256,
}

/// Body of `solver.penalty`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SolverPenalty {
    /// The bid that failed.
    pub bid: BidId,
    /// Whose bid it was, and whose bond.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub solver: Address,
    /// What left the bond, wei.
    pub amount: Amount,
    /// What of it goes to nobody, wei.
    pub burned: Amount,
    /// What the owners of its intents may claim of it.
    pub shares: Vec<PenaltyShare>,
    /// Whether the block that told of it is no longer canonical: nothing was taken.
    #[serde(default)]
    pub reorged: bool,
    /// The transaction that took it.
    #[serde(flatten)]
    pub evidence: TxRef,
}

/// An owner's part of a penalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PenaltyShare {
    /// Who may claim it.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub owner: Address,
    /// How much, wei.
    pub amount: Amount,
}

/// Whose fault a failed bid was (design C7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nobody's: receiver, hook, token, nonce, deadline, signature, gas.
    Neutral,
    /// The filler was short, or its callback failed.
    Solver,
    /// An owner's balance or allowance was short.
    Owner,
}

/// A number that is no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a fault")]
pub struct InvalidFault(u8);

impl TryFrom<u8> for Fault {
    type Error = InvalidFault;

    fn try_from(number: u8) -> Result<Self, InvalidFault> {
        match number {
            0 => Ok(Self::Neutral),
            1 => Ok(Self::Solver),
            2 => Ok(Self::Owner),
            other => Err(InvalidFault(other)),
        }
    }
}

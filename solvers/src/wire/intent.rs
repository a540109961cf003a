//! Intents over REST.

use alloy_primitives::{Address, Bytes};
use domain::{Amount, AuctionId, Intent, IntentId, event::TxRef, status::IntentStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::schema::IntentMessage;

/// Body of `POST /v1/intents`, as a client writes it. The server reads the message field by
/// field instead, to tell every error at once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IntentSubmission {
    /// The message that was signed.
    #[schema(value_type = IntentMessage)]
    pub intent: Intent,
    /// The owner's consent: 64 or 65 bytes of ECDSA, or up to 4,096 of whatever the owner's contract
    /// checks.
    #[schema(value_type = String, max_length = 8194)]
    pub signature: Bytes,
    /// The deployment the client believes to talk to; refused if it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainCheck>,
    /// An open intent of the same owner and nonce that this one takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<IntentId>,
}

/// The deployment a client believes to talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DomainCheck {
    /// The chain's id.
    pub chain_id: u64,
    /// The Settlement contract.
    #[serde(with = "domain::eip55")]
    #[schema(value_type = String)]
    pub verifying_contract: Address,
}

/// An intent and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentView {
    /// Its id: the EIP-712 digest.
    pub id: IntentId,
    /// The message that was signed.
    #[schema(value_type = IntentMessage)]
    pub intent: Intent,
    /// Where it stands.
    pub status: IntentStatus,
    /// What is filled, in the unit of the exact side.
    pub filled: Amount,
    /// The auction that holds it now.
    pub auction_id: Option<AuctionId>,
    /// Whether a cancellation waits for it to leave its auction unfilled.
    pub cancel_requested: bool,
    /// When it was accepted, Unix milliseconds.
    pub created_at_ms: u64,
    /// The transaction that its on-chain status rests on.
    pub evidence: Option<TxRef>,
}

/// A page of `GET /v1/intents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentPage {
    /// The intents, newest last.
    pub items: Vec<IntentView>,
    /// Pass as `after` for more; absent at the end.
    pub next: Option<String>,
}

/// Body of `GET /v1/intents/{id}/timeline`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timeline {
    /// What happened, in order.
    pub items: Vec<TimelineEntry>,
    /// Pass as `after` for more; absent at the end.
    #[serde(default)]
    pub next: Option<String>,
}

/// One thing that happened to an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// What, a stable name.
    pub kind: String,
    /// Its circumstances.
    #[schema(value_type = Object)]
    pub detail: Map<String, Value>,
}

/// Body of `POST /v1/intents/cancel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {
    /// Whose intents they are.
    #[serde(with = "domain::eip55")]
    #[schema(value_type = String)]
    pub owner: Address,
    /// Which.
    pub intents: Vec<IntentId>,
    /// The owner's signature over `Cancel(address owner,bytes32[] intents)`: as an intent's.
    #[schema(value_type = String, max_length = 8194)]
    pub signature: Bytes,
}

/// The honest answer to a cancellation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelAnswer {
    /// One result per intent asked for, in the order of the request.
    pub results: Vec<CancelResult>,
}

/// What became of one cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelResult {
    /// The intent.
    pub id: IntentId,
    /// The answer.
    pub result: CancelOutcome,
    /// The auction that holds it, if it was too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auction_id: Option<AuctionId>,
    /// Where it stands, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IntentStatus>,
}

/// How a cancellation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// Provably in no auction now or later.
    Cancelled,
    /// An auction holds it; applied the moment it leaves that auction unfilled.
    TooLate,
    /// Filled, cancelled or expired before.
    AlreadyFinal,
    /// No such intent.
    Unknown,
    /// Not the signer's to cancel.
    NotOwner,
}

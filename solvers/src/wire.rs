//! The JSON of Gavel's public API, as both ends see it: servers write these types, clients read
//! them. Amounts are decimal strings, addresses EIP-55, digests 0x and lower case.

mod access;
mod auction;
mod bid;
mod chain;
mod intent;
mod proof;
mod receipt;
mod refusal;
mod schema;
mod solver;
mod stream;

pub use access::{Access, AccessError, MAX_ACCESS_S};
pub use auction::{AuctionPage, AuctionView, BidPage, PublishedBid, SettlementView};
pub use bid::{BidAccepted, BidSubmission, SubmissionError};
pub use chain::{ChainInfo, DomainInfo, TokenInfo, TypedData, TypedField};
pub use intent::{
    CancelAnswer, CancelOutcome, CancelRequest, CancelResult, DomainCheck, IntentPage,
    IntentSubmission, IntentView, Timeline, TimelineEntry,
};
pub use proof::{BidProof, ProofError};
pub use receipt::{Place, Receipt, ReceiptError};
pub use refusal::{FieldRefusal, Nack, SignedNack};
pub use schema::{BidTerms, IntentMessage, LegMessage};
pub use solver::SolverView;
pub use stream::{
    ClientFrame, Cursor, EventPage, FrameError, Heartbeat, Hello, InvalidCursor, PROTOCOL,
    ResyncRequired, ServerFrame, Snapshot, StreamEvent, StreamLimits, SubscribeFrom,
};

//! Winning batches on their way to the chain: rows that workers lease one by one, the lanes
//! their commitments hold, every transaction written before it is broadcast, and the nonces.
//!
//! Every write on behalf of a row first proves its [`RowLease`] ([`fence`]): a worker that lost
//! the row writes nothing.

mod attempt;
mod backlog;
mod commitment;
mod intents;
mod lease;
mod nonce;
mod public;
mod row;
mod runner_up;

pub use attempt::{
    Attempt, AttemptStatus, Inclusion, NewAttempt, Route, TxKind, attempts, close, close_up_to,
    go_public, include, insert_attempt, mark_broadcast, orphan, pending_below,
};
pub use backlog::{Backlog, LONGEST, backlog, report_settler};
pub use commitment::{
    Commitment, NewCommitment, busy_lanes, commitments, insert_commitment, mark_public, restore,
    retire,
};
pub use intents::{keep_filled, lock, lock_intents, set_evidence};
pub use lease::{CHANNEL, Claim, Phase, RowLease, claim, fence, hold, release, renew};
pub use nonce::{next_nonce, raise_nonce, take_nonce};
pub use public::{PublicSettlement, public_of};
pub use row::{
    BidResult, Failure, NewSettlement, PlannedBid, SettlementRow, get, insert, of_auction, set,
};
pub use runner_up::{
    RUNNER_UP_CHANNEL, call_for_runner_up, later_intents, may_have_runner_up, reveal_of,
    runner_ups_due, take_back_runner_up, take_runner_up,
};

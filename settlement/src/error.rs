//! What can stop the worker, by cause.

use alloy::primitives::Address;
use infra::{
    chain::{ChainError, SendError},
    pg::StoreError,
};

use crate::{header::CorruptBatch, key::KeyError, outcome::OutcomeError, tx::CorruptTx};

/// A step that was not taken. The row is as it was; what was written down stays and is found
/// again by the next step.
#[derive(Debug, thiserror::Error)]
pub enum SettlementError {
    /// Postgres; [`StoreError::Fenced`] means that another worker has the row.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The node did not take a transaction.
    #[error("broadcast: {0}")]
    Send(#[from] SendError),
    /// The settler's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The logs do not fit the batch.
    #[error("the reveal's logs: {0}")]
    Outcome(#[from] OutcomeError),
    /// The stored batch cannot be committed.
    #[error(transparent)]
    Batch(#[from] CorruptBatch),
    /// A stored transaction cannot be replaced.
    #[error(transparent)]
    Tx(#[from] CorruptTx),
    /// Every lane of the settler is in use.
    #[error("no lane is free")]
    NoFreeLane,
    /// The settler cannot pay for the transaction.
    #[error("settler {0} is out of funds")]
    OutOfFunds(Address),
    /// The next nonce was taken by another writer, again and again.
    #[error("the nonce ledger is contended")]
    NonceContended,
    /// The system has no randomness for a salt.
    #[error("no randomness for a salt")]
    NoRandomness,
    /// The status table refuses what was decided: a defect of ours.
    #[error("a settlement in {0} cannot be moved so")]
    Refused(domain::status::SettlementStatus),
}

impl SettlementError {
    /// Whether the same step can succeed later without anybody's help.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Chain(error) => error.retryable(),
            Self::Send(error) => error.retryable(),
            Self::Key(error) => error.retryable(),
            Self::NoFreeLane | Self::OutOfFunds(_) | Self::NonceContended => true,
            Self::NoRandomness => true,
            Self::Outcome(_) | Self::Batch(_) | Self::Tx(_) | Self::Refused(_) => false,
        }
    }

    /// Whether another worker has the row: everything known about it is to be dropped.
    #[must_use]
    pub const fn fenced(&self) -> bool {
        matches!(self, Self::Store(StoreError::Fenced))
    }
}

impl From<sqlx::Error> for SettlementError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why the worker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no key, or a wrong one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// None of the settlers may settle; each is named with what it lacks.
    #[error("no settler can settle: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoSettler(Vec<Unfit>),
    /// The private node cannot be spoken to.
    #[error("settlement.private_rpc_url is no URL that can be spoken to")]
    PrivateRpc,
    /// The node or the database failed in a way that will not pass.
    #[error(transparent)]
    Failed(#[from] SettlementError),
}

/// What a settler lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// None of the configured lanes is open on chain: this settler is not allowed.
    #[error("settler {settler} has no open lane among the first {lanes} of {settlement}")]
    NotAllowed {
        /// Who wants to settle.
        settler: Address,
        /// How many lanes were looked at.
        lanes: u32,
        /// The contract that was asked.
        settlement: Address,
    },
    /// The settler has no money for gas.
    #[error("settler {0} has no funds")]
    NoFunds(Address),
}

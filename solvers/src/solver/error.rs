//! Why a solver cannot work.

use alloy_primitives::Address;
use infra::chain::ChainError;

use crate::client::ClientError;

/// Why a solver cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SolverError {
    /// The API.
    #[error("API: {0}")]
    Client(#[from] ClientError),
    /// The node.
    #[error("node: {0}")]
    Chain(#[from] ChainError),
    /// The filler is bound to nobody.
    #[error("filler {0} is bound to no solver: its owner must call bindFiller in the registry")]
    FillerUnbound(Address),
    /// The key does not sign for the filler's solver.
    #[error(
        "key {key} does not sign for solver {solver}, whose filler {filler} is: \
         register it, or name the key with setKey"
    )]
    ForeignKey {
        /// The key that was given.
        key: Address,
        /// The solver the filler is bound to.
        solver: Address,
        /// The filler.
        filler: Address,
    },
    /// The operating system has no randomness for salts.
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
}

impl SolverError {
    /// Whether waiting may mend it.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Client(error) => error.retryable(),
            Self::Chain(error) => error.retryable(),
            Self::FillerUnbound(_) | Self::ForeignKey { .. } | Self::Random(_) => false,
        }
    }
}

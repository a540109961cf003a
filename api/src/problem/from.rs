//! From the errors of the other crates to problems, each variant written out.

use domain::signature::SignatureError;
use infra::{batch::BatchError, chain::ChainError, pg::StoreError, redis::RedisError};

use super::{Code, Facts, Problem};

/// What failed beneath a request, without its inner text: that is logged where it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Postgres does not answer.
    Postgres,
    /// Redis does not answer.
    Redis,
    /// The chain's node does not answer.
    Chain,
    /// Our fault.
    Internal,
}

impl Failure {
    const fn dependency(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some("postgres"),
            Self::Redis => Some("redis"),
            Self::Chain => Some("chain"),
            Self::Internal => None,
        }
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        let failure = if error.retryable() { Self::Postgres } else { Self::Internal };
        tracing::warn!(%error, ?failure, "postgres");
        failure
    }
}

impl From<&RedisError> for Failure {
    fn from(error: &RedisError) -> Self {
        let failure = if error.retryable() { Self::Redis } else { Self::Internal };
        tracing::warn!(%error, ?failure, "redis");
        failure
    }
}

impl From<&ChainError> for Failure {
    fn from(error: &ChainError) -> Self {
        let failure = if error.retryable() { Self::Chain } else { Self::Internal };
        tracing::warn!(%error, ?failure, "chain");
        failure
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure.dependency() {
            Some(dependency) => {
                let detail = format!("{dependency} does not answer; what was accepted is kept");
                let facts = Facts { dependency: Some(dependency), ..Facts::default() };
                Self::new(Code::DependencyUnavailable, detail).with(facts).retry_after(1)
            }
            None => Self::new(Code::Internal, "an internal error, which has been logged"),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Failure::from(&error).into()
    }
}

impl From<RedisError> for Problem {
    fn from(error: RedisError) -> Self {
        Failure::from(&error).into()
    }
}

impl From<ChainError> for Problem {
    fn from(error: ChainError) -> Self {
        Failure::from(&error).into()
    }
}

impl From<BatchError> for Problem {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Busy => Self::new(Code::Busy, "too many requests at once").retry_after(1),
            BatchError::Closed => Self::new(Code::ShuttingDown, "shutting down").retry_after(1),
            // it may have been written: the same request again tells
            BatchError::Lost => {
                Self::new(Code::DependencyUnavailable, "no answer; ask again").retry_after(1)
            }
        }
    }
}

impl From<SignatureError> for Problem {
    fn from(error: SignatureError) -> Self {
        let cause = match error {
            SignatureError::Length(_) => "length",
            SignatureError::HighS => "high_s",
            SignatureError::RecoveryId(_) => "recovery_id",
            SignatureError::Unrecoverable => "unrecoverable",
        };
        Self::field(Code::SignatureInvalid, "signature", cause, &error.to_string())
    }
}

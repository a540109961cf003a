//! What can go wrong with Redis, by cause.

use redis::{ErrorKind, RedisError as Source, ServerErrorKind};

/// A command that failed. After [`RedisError::Unavailable`] or [`RedisError::Timeout`] it may
/// still have taken effect; every operation here can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// No connection, or the server is loading, read-only or out of memory.
    #[error("Redis is not available: {0}")]
    Unavailable(#[source] Source),
    /// No answer in time.
    #[error("Redis did not answer in time")]
    Timeout,
    /// A newer holder of the auction role has opened this auction.
    #[error("the auction was opened by a newer leader")]
    Fenced,
    /// The URL is no Redis URL.
    #[error("redis.url: {0}")]
    Config(#[source] Source),
    /// The answer is not what it must be; names it.
    #[error("unexpected answer: {0}")]
    BadAnswer(&'static str),
    /// The server refused the command.
    #[error("Redis refused: {0}")]
    Refused(#[source] Source),
}

impl RedisError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Timeout => true,
            Self::Fenced | Self::Config(_) | Self::BadAnswer(_) | Self::Refused(_) => false,
        }
    }
}

impl From<Source> for RedisError {
    fn from(error: Source) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let passing = matches!(
            error.kind(),
            ErrorKind::Io
                | ErrorKind::Server(
                    ServerErrorKind::BusyLoading
                        | ServerErrorKind::TryAgain
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::ReadOnly
                )
        );
        if passing || error.is_connection_dropped() || error.code() == Some("OOM") {
            Self::Unavailable(error)
        } else {
            match error.kind() {
                ErrorKind::UnexpectedReturnType | ErrorKind::Parse => {
                    Self::BadAnswer("of another type")
                }
                _ => Self::Refused(error),
            }
        }
    }
}

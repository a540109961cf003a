//! Why a request did not succeed.

use std::time::Duration;

use crate::wire::Nack;

/// Why a request to the API did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The base is no http or https URL.
    #[error("{0:?} is not an http or https URL")]
    BaseUrl(String),
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Setup(#[from] infra::http::HttpError),
    /// The connection failed, broke or timed out. The request may have been served.
    #[error("connection: {}", cause(.0))]
    Connection(#[from] reqwest::Error),
    /// The stream broke, or was silent for too long.
    #[error("the stream broke: {0}")]
    Stream(String),
    /// The API said no, and why.
    #[error("{}: {}", nack.code, nack.detail)]
    Refused {
        /// What it said.
        nack: Box<Nack>,
        /// When it asks to be asked again.
        retry_after: Option<Duration>,
    },
    /// Not an answer of this API: a proxy's, or that of something else altogether.
    #[error("status {status} without a reason")]
    Status {
        /// The HTTP status.
        status: u16,
        /// Whether the status blames the server.
        transient: bool,
    },
    /// A success whose body is not what this client reads.
    #[error("unreadable answer: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// An answer longer than this client takes, in bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl ClientError {
    /// Whether the same request may succeed later. Every request of this client may be repeated:
    /// intents and bids are known by their digest.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Connection(error) => !error.is_builder(),
            Self::Stream(_) => true,
            Self::Refused { nack, .. } => nack.retryable,
            Self::Status { transient, .. } => *transient,
            Self::BaseUrl(_) | Self::Setup(_) | Self::Unreadable(_) | Self::TooLong(_) => false,
        }
    }

    /// The refusal, if the API gave one.
    #[must_use]
    pub fn nack(&self) -> Option<&Nack> {
        match self {
            Self::Refused { nack, .. } => Some(nack),
            _ => None,
        }
    }
}

/// The innermost cause: the outer ones only say that a request failed.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

//! What can go wrong with the node, by cause.

use alloy::{
    primitives::Bytes,
    transports::{RpcError, TransportError, TransportErrorKind},
};

/// A request that failed. Cloneable, because one answer may be owed to many callers. Holds no
/// URL: providers put keys in theirs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The node cannot be reached, is overloaded or is behind.
    #[error("the node is not available: {0}")]
    Unavailable(String),
    /// No permit or no answer in time.
    #[error("the node did not answer in time")]
    Timeout,
    /// The answer is of another shape than asked for; names the question.
    #[error("unexpected answer to {0}")]
    BadAnswer(&'static str),
    /// The call reverted.
    #[error("reverted: {message} ({data})")]
    Reverted {
        /// What it reverted with.
        data: Bytes,
        /// What the node says about it.
        message: String,
    },
    /// The node refused the request.
    #[error("the node refused with {code}: {message}")]
    Refused {
        /// The JSON-RPC error code.
        code: i64,
        /// The node's reason.
        message: String,
    },
    /// The node is of another chain.
    #[error("the node's chain is {found}, not {expected}")]
    WrongChain {
        /// As configured.
        expected: u64,
        /// As the node says.
        found: u64,
    },
    /// The URL is none, or TLS cannot be set up.
    #[error("chain.rpc_url: {0}")]
    Config(String),
}

impl ChainError {
    /// Whether the same request can succeed later.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Timeout => true,
            // nodes answer so for blocks they do not have yet, and when they limit rates
            Self::Refused { code, .. } => matches!(code, -32000 | -32001 | -32005 | 429),
            Self::BadAnswer(_)
            | Self::Reverted { .. }
            | Self::WrongChain { .. }
            | Self::Config(_) => false,
        }
    }
}

impl From<TransportError> for ChainError {
    fn from(error: TransportError) -> Self {
        match error {
            RpcError::ErrorResp(payload) => match payload.as_revert_data() {
                Some(data) => Self::Reverted { data, message: payload.message.into_owned() },
                // an empty revert has no data to show
                None if payload.code == 3 || payload.message.contains("execution reverted") => {
                    Self::Reverted { data: Bytes::new(), message: payload.message.into_owned() }
                }
                None => Self::Refused { code: payload.code, message: payload.message.into_owned() },
            },
            RpcError::NullResp => Self::BadAnswer("a request, with null"),
            RpcError::Transport(kind) => transport(&kind),
            RpcError::DeserError { .. } => Self::BadAnswer("a request, with other JSON"),
            RpcError::UnsupportedFeature(_)
            | RpcError::LocalUsageError(_)
            | RpcError::SerError(_) => Self::BadAnswer("a request that cannot be made"),
        }
    }
}

fn transport(kind: &TransportErrorKind) -> ChainError {
    match kind {
        TransportErrorKind::HttpError(error)
        | TransportErrorKind::HttpErrorWithRetryAfter { error, .. } => {
            ChainError::Unavailable(format!("HTTP {}", error.status))
        }
        TransportErrorKind::Custom(error) => match error.downcast_ref::<reqwest::Error>() {
            Some(error) if error.is_timeout() => ChainError::Timeout,
            Some(error) if error.is_connect() => ChainError::Unavailable("no connection".into()),
            Some(_) => ChainError::Unavailable("the connection broke".into()),
            None => ChainError::Unavailable("transport".into()),
        },
        _ => ChainError::Unavailable("transport".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revert_data_survives_the_way_from_the_node() {
        let payload = serde_json::from_str(
            r#"{"code":3,"message":"execution reverted: custom error","data":"0x12345678"}"#,
        )
        .unwrap();
        let error = ChainError::from(TransportError::ErrorResp(payload));
        assert!(matches!(&error, ChainError::Reverted { data, .. } if data.len() == 4));
        assert!(!error.retryable());
        let empty = serde_json::from_str(r#"{"code":3,"message":"execution reverted"}"#).unwrap();
        let error = ChainError::from(TransportError::ErrorResp(empty));
        assert!(matches!(error, ChainError::Reverted { data, .. } if data.is_empty()));
    }
}

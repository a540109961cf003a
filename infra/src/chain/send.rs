//! What sending a transaction takes. Signing and nonces are the settlement worker's.

use std::sync::Arc;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, keccak256},
    providers::{Provider as _, RootProvider},
    rpc::{client::RpcClient, types::TransactionRequest},
};
use tokio::sync::Semaphore;

use super::{Chain, ChainError};
use crate::config::Secret;

/// A node that transactions are given to and nothing is asked of.
#[derive(Clone, Debug)]
pub struct Relay(Chain);

/// What gas costs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// The next block's base fee, wei per gas.
    pub base_fee_per_gas: u128,
    /// The tip others pay, wei per gas: the median of the cheapest tenth of recent blocks.
    pub priority_fee_per_gas: u128,
}

/// Why the node did not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It has it: as good as sent.
    #[error("the node has this transaction already")]
    AlreadyKnown,
    /// The nonce is used by a mined transaction: this one, or another.
    #[error("the nonce is used")]
    NonceTooLow,
    /// The settler cannot pay for the gas.
    #[error("the settler cannot pay for the gas")]
    InsufficientFunds,
    /// The fee is too low, absolutely or to replace the one with this nonce.
    #[error("the fee is too low")]
    Underpriced,
    /// Refused for another reason, in the node's words.
    #[error("refused: {0}")]
    Rejected(String),
    /// The request failed; whether the transaction was taken is unknown.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl SendError {
    /// Whether sending the same bytes again can succeed.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Chain(error) => error.retryable(),
            Self::InsufficientFunds | Self::Underpriced => true,
            Self::AlreadyKnown | Self::NonceTooLow | Self::Rejected(_) => false,
        }
    }

    /// Nodes have words, not codes, for this: those of geth, erigon, nethermind, besu, reth, anvil.
    fn from_words(error: ChainError) -> Self {
        let words = match &error {
            ChainError::Refused { message, .. } | ChainError::Reverted { message, .. } => {
                message.to_ascii_lowercase()
            }
            _ => return Self::Chain(error),
        };
        // not about the transaction: too many requests
        if let ChainError::Refused { code: -32005 | 429, .. } = &error {
            return Self::Chain(error);
        }
        let says = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
        if says(&["already known", "alreadyknown", "already imported", "known transaction"]) {
            Self::AlreadyKnown
        } else if says(&["nonce too low", "oldnonce", "nonce_too_low", "nonce has already been"]) {
            Self::NonceTooLow
        } else if says(&["insufficient funds", "insufficientfunds", "upfront cost exceeds"]) {
            Self::InsufficientFunds
        } else if says(&[
            "underpriced",
            "feetoolow",
            "fee too low",
            "less than block base fee",
            "gas price below",
            "replacement_not_allowed",
            "replacementnotallowed",
        ]) {
            Self::Underpriced
        } else {
            Self::Rejected(words)
        }
    }
}

impl Chain {
    /// The number of mined transactions of an account: its next nonce, not counting what is
    /// pending.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn nonce_latest(&self, account: Address) -> Result<u64, ChainError> {
        self.ask("eth_getTransactionCount", async {
            self.provider.get_transaction_count(account).latest().await
        })
        .await
    }

    /// As [`Chain::nonce_latest`], with what this node has pending.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn nonce_pending(&self, account: Address) -> Result<u64, ChainError> {
        self.ask("eth_getTransactionCount", async {
            self.provider.get_transaction_count(account).pending().await
        })
        .await
    }

    /// What gas costs now, from the last ten blocks.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn fees(&self) -> Result<Fees, ChainError> {
        let history = self
            .ask("eth_feeHistory", async {
                self.provider.get_fee_history(10, BlockNumberOrTag::Latest, &[10.0]).await
            })
            .await?;
        let base_fee_per_gas =
            history.base_fee_per_gas.last().copied().ok_or(ChainError::BadAnswer("fees"))?;
        let mut tips: Vec<u128> =
            history.reward.iter().flatten().filter_map(|block| block.first().copied()).collect();
        tips.sort_unstable();
        let priority_fee_per_gas = tips.get(tips.len() / 2).copied().unwrap_or_default();
        Ok(Fees { base_fee_per_gas, priority_fee_per_gas })
    }

    /// The gas a call from `from` would use on the newest state.
    ///
    /// # Errors
    /// [`ChainError::Reverted`] if it would revert, or those of any request.
    pub async fn estimate_gas(
        &self,
        from: Address,
        to: Address,
        data: Bytes,
    ) -> Result<u64, ChainError> {
        let request = TransactionRequest::default().from(from).to(to).input(data.into());
        self.ask("eth_estimateGas", async { self.provider.estimate_gas(request).await }).await
    }

    /// Another node of the same chain, with deadline and permits of its own.
    ///
    /// # Errors
    /// [`ChainError::Config`] if the URL is none or TLS cannot be set up.
    pub fn relay(&self, url: &Secret, permits: usize) -> Result<Relay, ChainError> {
        let client = crate::http::steady_client(self.timeout)
            .map_err(|error| ChainError::Config(error.to_string()))?;
        let url = reqwest::Url::parse(url.expose())
            .map_err(|error| ChainError::Config(error.to_string()))?;
        let provider = RootProvider::new(RpcClient::new_http_with_client(client, url));
        let permits = Arc::new(Semaphore::new(permits.max(1)));
        Ok(Relay(Self { provider, permits, ..self.clone() }))
    }

    /// Broadcasts a signed transaction and returns its hash.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send_raw(&self, raw: &[u8]) -> Result<B256, SendError> {
        self.ask("eth_sendRawTransaction", async {
            self.provider.send_raw_transaction(raw).await.map(|_| ())
        })
        .await
        .map_err(SendError::from_words)?;
        Ok(keccak256(raw))
    }
}

impl Relay {
    /// Gives it a signed transaction.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send_raw(&self, raw: &[u8]) -> Result<B256, SendError> {
        self.0.send_raw(raw).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(message: &str) -> SendError {
        SendError::from_words(ChainError::Refused { code: -32000, message: message.to_owned() })
    }

    #[test]
    fn the_words_of_common_nodes_are_understood() {
        assert_eq!(words("already known"), SendError::AlreadyKnown);
        assert_eq!(words("transaction already imported"), SendError::AlreadyKnown);
        assert_eq!(words("nonce too low: next nonce 7, tx nonce 3"), SendError::NonceTooLow);
        assert_eq!(
            words("Insufficient funds for gas * price + value"),
            SendError::InsufficientFunds
        );
        assert_eq!(words("replacement transaction underpriced"), SendError::Underpriced);
        assert_eq!(words("max fee per gas less than block base fee"), SendError::Underpriced);
        assert!(matches!(words("intrinsic gas too low"), SendError::Rejected(_)));
    }

    #[test]
    fn a_node_that_is_asked_too_often_has_not_refused_the_transaction() {
        let message = "rate limit exceeded".to_owned();
        let busy = SendError::from_words(ChainError::Refused { code: 429, message });
        assert!(busy.retryable() && matches!(busy, SendError::Chain(_)), "{busy}");
    }
}

//! An account that sends transactions one after the other and waits for their receipts.

use std::time::Duration;

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    providers::{Provider, RootProvider},
    rpc::{
        client::RpcClient,
        types::{TransactionInput, TransactionReceipt, TransactionRequest},
    },
    transports::{RpcError, TransportErrorKind, http::reqwest::Url},
};
use domain::signature::SigningKey;
use tokio::sync::Mutex;

use crate::{
    fees::{Fees, Market},
    key::{KeyError, LocalKey, SettlerKey},
    tx::{self, Call},
};

const TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// Transactions in flight at once: a development node keeps up with that many in one block.
const IN_FLIGHT: usize = 32;

/// Why something was not put on chain.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The node's address is no URL, or no client can be made for it.
    #[error("no connection can be made to the node")]
    Connect,
    /// The node did not answer, or refused.
    #[error("the node failed: {0}")]
    Node(#[from] RpcError<TransportErrorKind>),
    /// The transaction was mined and did nothing.
    #[error("transaction {0} reverted")]
    Reverted(B256),
    /// No receipt within half a minute.
    #[error("transaction {0} is not mined")]
    NotMined(B256),
    /// A contract answered something else than its interface says.
    #[error("a contract's answer does not read")]
    BadAnswer,
    /// A committed artifact does not read.
    #[error("artifact: {0}")]
    Artifact(#[source] serde_json::Error),
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// An account on a development chain. Its transactions go out one after the other.
#[derive(Debug)]
pub struct Sender {
    key: LocalKey,
    provider: RootProvider,
    chain_id: u64,
    /// Held while nonces are taken and used.
    turn: Mutex<()>,
}

impl Sender {
    /// Connects `key` to the node at `rpc_url` (http).
    ///
    /// # Errors
    /// See [`DeployError`].
    pub async fn connect(rpc_url: &str, key: SigningKey) -> Result<Self, DeployError> {
        let url: Url = rpc_url.parse().map_err(|_| DeployError::Connect)?;
        let client = infra::http::client(TIMEOUT).map_err(|_| DeployError::Connect)?;
        let provider = RootProvider::new(RpcClient::new_http_with_client(client, url));
        let chain_id = provider.get_chain_id().await?;
        Ok(Self { key: LocalKey::new(key), provider, chain_id, turn: Mutex::new(()) })
    }

    /// The account.
    #[must_use]
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// The chain's id, as the node says.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Sends one call and waits until it is mined.
    ///
    /// # Errors
    /// See [`DeployError`].
    pub async fn send(&self, to: Address, data: Bytes) -> Result<TransactionReceipt, DeployError> {
        self.pay(to, data, U256::ZERO).await
    }

    /// The same with `value` wei.
    ///
    /// # Errors
    /// See [`DeployError`].
    pub async fn pay(
        &self,
        to: Address,
        data: Bytes,
        value: U256,
    ) -> Result<TransactionReceipt, DeployError> {
        let _turn = self.turn.lock().await;
        let hash = self.broadcast(Some(to), value, data, self.nonce().await?).await?;
        self.receipt(hash).await
    }

    /// Sends calls in order, several in flight, and waits until all are mined.
    ///
    /// # Errors
    /// The first [`DeployError`]; later calls may have been mined all the same.
    pub async fn send_all(&self, calls: Vec<(Address, Bytes)>) -> Result<(), DeployError> {
        let _turn = self.turn.lock().await;
        for chunk in calls.chunks(IN_FLIGHT) {
            let mut nonce = self.nonce().await?;
            let mut sent = Vec::with_capacity(chunk.len());
            for (to, data) in chunk {
                sent.push(self.broadcast(Some(*to), U256::ZERO, data.clone(), nonce).await?);
                nonce += 1;
            }
            for hash in sent {
                self.receipt(hash).await?;
            }
        }
        Ok(())
    }

    /// Creates a contract and returns its address.
    ///
    /// # Errors
    /// See [`DeployError`].
    pub async fn create(&self, code: Bytes) -> Result<Address, DeployError> {
        let _turn = self.turn.lock().await;
        let hash = self.broadcast(None, U256::ZERO, code, self.nonce().await?).await?;
        self.receipt(hash).await?.contract_address.ok_or(DeployError::BadAnswer)
    }

    /// Calls without a transaction.
    ///
    /// # Errors
    /// See [`DeployError`].
    pub async fn call(&self, to: Address, data: Bytes) -> Result<Bytes, DeployError> {
        Ok(self.provider.call(self.request(Some(to), U256::ZERO, data)).await?)
    }

    fn request(&self, to: Option<Address>, value: U256, data: Bytes) -> TransactionRequest {
        let mut request = TransactionRequest::default().from(self.address()).value(value);
        request.to = Some(to.map_or(alloy::primitives::TxKind::Create, Into::into));
        request.input = TransactionInput::new(data);
        request
    }

    async fn nonce(&self) -> Result<u64, DeployError> {
        Ok(self.provider.get_transaction_count(self.address()).pending().await?)
    }

    async fn broadcast(
        &self,
        to: Option<Address>,
        value: U256,
        data: Bytes,
        nonce: u64,
    ) -> Result<B256, DeployError> {
        // estimated on the latest state, where calls of ours still in flight may be missing
        let estimate = self.provider.estimate_gas(self.request(to, value, data.clone()));
        let gas_limit = estimate.pending().await? * 5 / 4 + 20_000;
        let base_fee = self.provider.get_gas_price().await?;
        let tip = 1_000_000_000;
        let fees = Fees::fresh(Market { base_fee, tip, cap: u128::MAX });
        let call = Call { to, value, data, gas_limit };
        let signed = tx::sign(&self.key, self.chain_id, nonce, fees, &call).await?;
        let pending = self.provider.send_raw_transaction(&signed.raw).await?;
        Ok(*pending.tx_hash())
    }

    async fn receipt(&self, hash: B256) -> Result<TransactionReceipt, DeployError> {
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        loop {
            match self.provider.get_transaction_receipt(hash).await? {
                Some(receipt) if receipt.status() => return Ok(receipt),
                Some(_) => return Err(DeployError::Reverted(hash)),
                None if tokio::time::Instant::now() > deadline => {
                    return Err(DeployError::NotMined(hash));
                }
                None => tokio::time::sleep(POLL).await,
            }
        }
    }
}

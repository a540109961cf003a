//! JSON-RPC to a private node: what tests do that no wallet can (mint gas, mine, reorganise).

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use serde_json::{Value, json};

/// A JSON-RPC call that failed.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// No client can be made.
    #[error(transparent)]
    Client(#[from] infra::http::HttpError),
    /// The node could not be reached or did not answer JSON.
    #[error("the node did not answer: {0}")]
    Transport(#[from] reqwest::Error),
    /// The node answered with an error.
    #[error("{method}: {error}")]
    Refused {
        /// What was asked.
        method: String,
        /// Its answer.
        error: Value,
    },
    /// The answer has another shape than expected.
    #[error("{0}: unexpected answer")]
    Unexpected(&'static str),
}

/// A client of one private node.
#[derive(Clone, Debug)]
pub struct Rpc {
    client: reqwest::Client,
    url: String,
}

impl Rpc {
    /// A client of the node at `url`.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(url: &str) -> Result<Self, RpcError> {
        let client = infra::http::client(Duration::from_secs(30))?;
        Ok(Self { client, url: url.to_owned() })
    }

    /// Any call.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.client.post(&self.url).json(&body).send().await?;
        let mut answer: Value = answer.json().await?;
        match answer.get("error") {
            Some(error) => {
                Err(RpcError::Refused { method: method.to_owned(), error: error.clone() })
            }
            None => Ok(answer["result"].take()),
        }
    }

    /// Gives an account gas money, in wei.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn set_balance(&self, account: Address, wei: u128) -> Result<(), RpcError> {
        self.call("anvil_setBalance", json!([account, format!("{wei:#x}")])).await.map(drop)
    }

    /// Sends a transaction as `from` without its key. Mined at once on an instant chain.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn send_as(&self, from: Address, to: Address, data: Bytes) -> Result<B256, RpcError> {
        self.call("anvil_impersonateAccount", json!([from])).await?;
        let transaction = json!({"from": from, "to": to, "data": data, "gas": "0x4c4b40"});
        let hash = self.call("eth_sendTransaction", json!([transaction])).await?;
        serde_json::from_value(hash).map_err(|_| RpcError::Unexpected("eth_sendTransaction"))
    }

    /// Mines blocks.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn mine(&self, blocks: u64) -> Result<(), RpcError> {
        self.call("anvil_mine", json!([format!("{blocks:#x}")])).await.map(drop)
    }

    /// From now on, mines a block every so many seconds and none in between.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn mine_every(&self, seconds: u32) -> Result<(), RpcError> {
        self.call("evm_setAutomine", json!([false])).await?;
        self.call("evm_setIntervalMining", json!([seconds])).await.map(drop)
    }

    /// Throws away the newest `depth` blocks and makes empty ones in their place.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn reorg(&self, depth: u64) -> Result<(), RpcError> {
        self.call("anvil_reorg", json!([depth, []])).await.map(drop)
    }

    /// The newest block's number.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn block_number(&self) -> Result<u64, RpcError> {
        let answer = self.call("eth_blockNumber", json!([])).await?;
        let number: U256 =
            serde_json::from_value(answer).map_err(|_| RpcError::Unexpected("eth_blockNumber"))?;
        u64::try_from(number).map_err(|_| RpcError::Unexpected("eth_blockNumber"))
    }

    /// A read of a contract.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn read(&self, to: Address, data: Bytes) -> Result<Bytes, RpcError> {
        let answer = self.call("eth_call", json!([{"to": to, "data": data}, "latest"])).await?;
        serde_json::from_value(answer).map_err(|_| RpcError::Unexpected("eth_call"))
    }

    /// How much of an ERC-20 `account` holds.
    ///
    /// # Errors
    /// As told by [`RpcError`].
    pub async fn token_balance(&self, token: Address, account: Address) -> Result<U256, RpcError> {
        let data = calldata("balanceOf(address)", &[account.into_word()]);
        Ok(U256::from_be_slice(&self.read(token, data).await?))
    }
}

/// The calldata of `signature` with static arguments.
#[must_use]
pub fn calldata(signature: &str, arguments: &[B256]) -> Bytes {
    let mut data = keccak256(signature)[..4].to_vec();
    for word in arguments {
        data.extend_from_slice(word.as_slice());
    }
    data.into()
}

//! Reading the chain, and handing signed transactions to it.
//!
//! Every request has a deadline and a permit: no more than `rpc_concurrency` are under way, and
//! one that gets no permit or no answer in `rpc_timeout_ms` is a [`ChainError::Timeout`].

pub mod abi;
mod bidders;
mod blocks;
mod cache;
mod calls;
mod error;
mod funds;
pub mod logs;
mod send;
mod simulate;
mod stakes;
mod standing;

use std::{sync::Arc, time::Duration};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, U256},
    providers::{Provider as _, RootProvider},
    rpc::{client::RpcClient, types::TransactionRequest},
    transports::TransportResult,
};
use alloy_sol_types::SolCall;
use domain::{Amount, eip712::SigningDomain};
use tokio::sync::{OnceCell, Semaphore};

use crate::config::ChainConfig;
use cache::TtlCache;

pub use bidders::{Answers, Bidder, NonceWord};
pub use blocks::Block;
pub use calls::MinedCall;
pub use error::ChainError;
pub use funds::{FUNDS_BOUNDS, FundQuery, Funds, FundsLookup, funds_lookup};
pub use send::{Fees, Relay, SendError};
pub use simulate::{MAX_TX_GAS, Simulated};
pub use stakes::SolverFunds;
pub use standing::{SolverStanding, Standing};

/// What an owner's contract may spend on checking a signature (ERC-1271): as in the contract's
/// `Signatures` library.
pub const ERC1271_GAS: u64 = 300_000;
/// Solvers remembered at most; a flood of unknown keys only makes it forget.
const REMEMBERED: usize = 10_000;

/// One chain with our contracts on it. Cheap to clone; clones share connections and permits.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: RootProvider,
    domain: SigningDomain,
    timeout: Duration,
    chunk: usize,
    permits: Arc<Semaphore>,
    standing: Arc<standing::Cache>,
    stakes: Arc<TtlCache<Address, SolverFunds>>,
    gas_price: Arc<TtlCache<(), Amount>>,
    max_tip: Arc<OnceCell<u64>>,
}

impl Chain {
    /// A chain that is first spoken to when first asked; [`Chain::check_id`] tells whether it is
    /// the right one.
    ///
    /// # Errors
    /// [`ChainError::Config`] if the URL is none or TLS cannot be set up.
    pub fn connect(config: &ChainConfig) -> Result<Self, ChainError> {
        let client = crate::http::client(config.rpc_timeout())
            .map_err(|error| ChainError::Config(error.to_string()))?;
        let url = reqwest::Url::parse(config.rpc_url.expose())
            .map_err(|error| ChainError::Config(error.to_string()))?;
        let ttl = Duration::from_millis(config.standing_ttl_ms);
        Ok(Self {
            provider: RootProvider::new(RpcClient::new_http_with_client(client, url)),
            domain: config.signing_domain(),
            timeout: config.rpc_timeout(),
            chunk: config.fundable_chunk.max(1),
            permits: Arc::new(Semaphore::new(config.rpc_concurrency.max(1))),
            standing: Arc::new(TtlCache::new(ttl, REMEMBERED)),
            stakes: Arc::new(TtlCache::new(ttl, REMEMBERED)),
            gas_price: Arc::new(TtlCache::new(ttl, 1)),
            max_tip: Arc::default(),
        })
    }

    /// The EIP-712 domain of this deployment; it also knows the chain's id.
    #[must_use]
    pub const fn domain(&self) -> &SigningDomain {
        &self.domain
    }

    /// The `Settlement` contract.
    #[must_use]
    pub const fn settlement(&self) -> Address {
        self.domain.settlement()
    }

    /// For requests this type has no method for, such as those of test nodes. They are not
    /// bounded: prefer the methods here.
    #[must_use]
    pub const fn provider(&self) -> &RootProvider {
        &self.provider
    }

    /// Whether the node's chain is the configured one.
    ///
    /// # Errors
    /// [`ChainError::WrongChain`] if not, or the errors of any request.
    pub async fn check_id(&self) -> Result<(), ChainError> {
        let found = self.ask("eth_chainId", async { self.provider.get_chain_id().await }).await?;
        let expected = self.domain.chain_id();
        if found == expected { Ok(()) } else { Err(ChainError::WrongChain { expected, found }) }
    }

    /// Calls a view function of a contract on the state after the block `at`.
    ///
    /// # Errors
    /// [`ChainError::Reverted`] with the revert data, [`ChainError::BadAnswer`] if the answer is
    /// of another shape (no contract there), or the errors of any request.
    pub async fn view<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        at: BlockId,
    ) -> Result<C::Return, ChainError> {
        let answer = self.call(to, call.abi_encode().into(), None, at).await?;
        C::abi_decode_returns(&answer).map_err(|_| ChainError::BadAnswer(C::SIGNATURE))
    }

    /// `eth_call` with raw data; `gas` limits the call, the node's own limit applies anyway.
    ///
    /// # Errors
    /// [`ChainError::Reverted`] with the revert data, or the errors of any request.
    pub async fn call(
        &self,
        to: Address,
        data: Bytes,
        gas: Option<u64>,
        at: BlockId,
    ) -> Result<Bytes, ChainError> {
        let mut request = TransactionRequest::default().to(to).input(data.into());
        request.gas = gas;
        self.ask("eth_call", async { self.provider.call(request).block(at).await }).await
    }

    /// Whether the contract `owner` accepts the signature (ERC-1271). A contract that reverts,
    /// answers something else or is none does not.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn is_valid_signature(
        &self,
        owner: Address,
        digest: B256,
        signature: &[u8],
    ) -> Result<bool, ChainError> {
        let call = abi::isValidSignatureCall { hash: digest, signature: signature.to_vec().into() };
        let answer =
            self.call(owner, call.abi_encode().into(), Some(ERC1271_GAS), BlockId::latest()).await;
        match answer {
            Ok(answer) => Ok(answer.len() >= 32
                && answer[..4] == abi::isValidSignatureCall::SELECTOR
                && answer[4..32].iter().all(|byte| *byte == 0)),
            Err(ChainError::Reverted { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The code at an address; empty if there is none.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn code_at(&self, account: Address) -> Result<Bytes, ChainError> {
        self.ask("eth_getCode", async { self.provider.get_code_at(account).await }).await
    }

    /// The native balance of an account, wei.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn balance_of(&self, account: Address) -> Result<U256, ChainError> {
        self.ask("eth_getBalance", async { self.provider.get_balance(account).await }).await
    }

    /// One request under the permits and the deadline.
    async fn ask<T>(
        &self,
        method: &'static str,
        request: impl Future<Output = TransportResult<T>>,
    ) -> Result<T, ChainError> {
        let begun = std::time::Instant::now();
        let permitted = async {
            let _permit = self.permits.acquire().await;
            request.await
        };
        // boxed, or every caller's future would be as large as the client's
        let answer = match tokio::time::timeout(self.timeout, Box::pin(permitted)).await {
            Ok(answer) => answer.map_err(ChainError::from),
            Err(_) => Err(ChainError::Timeout),
        };
        metrics::histogram!("gavel_rpc_seconds", "method" => method).record(begun.elapsed());
        if let Err(error) = &answer
            && error.retryable()
        {
            metrics::counter!("gavel_rpc_failures_total", "method" => method).increment(1);
        }
        answer
    }
}

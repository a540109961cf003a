//! Settings of the chain and its tokens.

use std::time::Duration;

use alloy::primitives::Address;
use domain::{Amount, eip712::SigningDomain};
use serde::{Deserialize, Serialize};

use super::Secret;

/// `[chain]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainConfig {
    /// The node's JSON-RPC over http or https; a secret because providers put keys in it. Required.
    pub rpc_url: Secret,
    /// The chain's id. Required; the node is asked whether it is the same.
    pub chain_id: u64,
    /// The `Settlement` contract. Required.
    pub settlement: Address,
    /// Blocks that must lie on a transaction's block, it included, before it is acted upon.
    pub confirmations: u64,
    /// Blocks after which a block is taken to be final.
    pub finality_blocks: u64,
    /// The time between two blocks, about, milliseconds: turns blocks into deadlines.
    pub block_time_ms: u64,
    /// How long one request may take, milliseconds.
    pub rpc_timeout_ms: u64,
    /// Requests in flight at most, for the whole process.
    pub rpc_concurrency: usize,
    /// Intents asked about in one `fundable` call.
    pub fundable_chunk: usize,
    /// The first block whose logs are read; without it, `finality_blocks` below the head when the
    /// logs are read for the first time. Of no effect after that.
    pub start_block: Option<u64>,
    /// Blocks whose logs are asked for at once at most; fewer if the node refuses.
    pub logs_range: u64,
    /// How long an answer about a solver is believed, milliseconds.
    pub standing_ttl_ms: u64,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            rpc_url: Secret::default(),
            chain_id: 0,
            settlement: Address::ZERO,
            confirmations: 1,
            finality_blocks: 12,
            block_time_ms: 12_000,
            rpc_timeout_ms: 2_000,
            rpc_concurrency: 32,
            fundable_chunk: 200,
            start_block: None,
            logs_range: 2_000,
            standing_ttl_ms: 2_000,
        }
    }
}

impl ChainConfig {
    /// The EIP-712 domain everything is signed in.
    #[must_use]
    pub fn signing_domain(&self) -> SigningDomain {
        SigningDomain::new(self.chain_id, self.settlement)
    }

    /// [`Self::rpc_timeout_ms`] as a duration.
    #[must_use]
    pub const fn rpc_timeout(&self) -> Duration {
        Duration::from_millis(self.rpc_timeout_ms)
    }
}

/// One of `[[tokens]]`: a token with a reference price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// What people call it.
    pub symbol: String,
    /// The token's contract.
    pub address: Address,
    /// Its decimals, for display only.
    pub decimals: u8,
    /// Numéraire atoms per 10^18 atoms of the token, a decimal string: what the source `configured`
    /// answers, and what wallets are shown.
    pub price: Amount,
    /// Where its reference price comes from: `configured`, and names of `[prices]`.
    #[serde(default = "configured")]
    pub sources: Vec<String>,
    /// How many of them must agree, if not `prices.quorum`.
    #[serde(default)]
    pub quorum: Option<u32>,
}

fn configured() -> Vec<String> {
    vec![super::CONFIGURED.to_owned()]
}

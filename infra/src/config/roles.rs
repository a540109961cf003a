//! Settings of the roles.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use alloy::primitives::Address;
use domain::Amount;
use serde::{Deserialize, Serialize};

use super::Secret;

/// `[api]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Worker threads; 0 takes one per core.
    pub workers: usize,
    /// The largest request body, bytes.
    pub max_body_bytes: usize,
    /// How far in the future an intent's `validTo` may lie, seconds.
    pub max_ttl_s: u64,
    /// Origins browsers may call from; `*` for all.
    pub cors_origins: Vec<String>,
    /// Whether `X-Forwarded-For` is believed: only behind a proxy of yours.
    pub trust_proxy: bool,
    /// Requests that write, worked on at once; more are refused with 503.
    pub intake_permits: usize,
    /// Reads of auctions (lists, bids, proofs, exports) worked on at once; more wait for two seconds
    /// and are then refused with 503.
    pub record_permits: usize,
    /// Writing requests and reads of auctions of one IP address per second; 0 means no limit.
    pub ip_per_second: u32,
    /// Intents and cancellations of one owner per second; 0 means no limit.
    pub owner_per_second: u32,
    /// Bids of one solver per second; 0 means no limit.
    pub solver_per_second: u32,
    /// Stream subscribers (SSE and WebSocket) at once.
    pub max_streams: usize,
    /// Events waiting for one subscriber; one that falls behind further must resync.
    pub stream_buffer: usize,
    /// The time between two heartbeats of a stream, milliseconds.
    pub heartbeat_ms: u64,
    /// How long open requests get to finish at shutdown, milliseconds.
    pub shutdown_ms: u64,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8080),
            workers: 0,
            max_body_bytes: 256 * 1024,
            max_ttl_s: 7 * 24 * 3_600,
            cors_origins: vec!["*".to_owned()],
            trust_proxy: false,
            intake_permits: 2_048,
            record_permits: 16,
            ip_per_second: 500,
            owner_per_second: 50,
            solver_per_second: 200,
            max_streams: 4_096,
            stream_buffer: 4_096,
            heartbeat_ms: 5_000,
            shutdown_ms: 10_000,
        }
    }
}

/// 10^15 wei, a thousandth of a coin of 18 decimals.
const PENALTY_FLOOR: u64 = 1_000_000_000_000_000;

/// `[auction]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuctionConfig {
    /// How long bids are taken, milliseconds.
    pub window_ms: u64,
    /// Intents cut into one auction at most.
    pub max_intents: usize,
    /// Bids queued in one auction at most.
    pub max_bids: u32,
    /// Bids queued by one solver in one auction at most.
    pub max_bids_per_solver: u32,
    /// The largest bid, legs and callback included, bytes as queued.
    pub max_bid_bytes: usize,
    /// All bids of one auction together, bytes as queued: what the queue may hold in memory.
    pub max_queue_bytes: u64,
    /// Gas of one batch at most; chains refuse a transaction of more than 2^24 (EIP-7825).
    pub gas_budget: u64,
    /// How far past the reference price surplus still counts, basis points (SURPLUS_CAP).
    pub surplus_cap_bps: u32,
    /// The smallest part of an intent a partial fill may take, basis points (MIN_FILL).
    pub min_fill_bps: u32,
    /// What a bid that fails by its solver's fault owes at least, in wei, a decimal string.
    pub penalty_floor: Amount,
    /// What it owes at least of the reference value of what its intents sell, basis points.
    pub penalty_bps: u32,
    /// The token whose reference price stands for the chain's own coin; zero if prices are in wei.
    pub native_token: Address,
    /// Nodes the search for the best set may visit. One costs about 5 to 40 us per hundred bids that hang
    /// together, in a release build; what is not proven by then is reported as the gap.
    pub node_budget: u64,
    /// How often the winners are run at the pinned block before they are published, at most: once
    /// if all of them settle, once more after bids that do not were dropped. 0 publishes unseen.
    pub simulation_rounds: u32,
    /// How long all of that may take, milliseconds: what the node has not answered by then is
    /// published as not simulated.
    pub simulation_ms: u64,
    /// How long an owner's intents are filled alone after it was short when a winning bid was revealed,
    /// seconds; 0 = no owner is struck.
    pub strike_s: u64,
    /// How often to look for intents while there are none, milliseconds.
    pub idle_poll_ms: u64,
}

impl Default for AuctionConfig {
    fn default() -> Self {
        Self {
            window_ms: 2_000,
            max_intents: 1_000,
            max_bids: 10_000,
            max_bids_per_solver: 1_000,
            max_bid_bytes: 64 * 1024,
            max_queue_bytes: 64 * 1024 * 1024,
            gas_budget: 16_000_000,
            surplus_cap_bps: 500,
            min_fill_bps: 100,
            penalty_floor: Amount::from(PENALTY_FLOOR),
            penalty_bps: 10,
            native_token: Address::ZERO,
            node_budget: 300,
            simulation_rounds: 3,
            simulation_ms: 500,
            strike_s: 3_600,
            idle_poll_ms: 250,
        }
    }
}

/// `[settlement]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettlementConfig {
    /// The key that commits and reveals: 32 bytes in hexadecimal, `0x` optional.
    pub settler_key: Option<Secret>,
    /// A file that holds the key instead.
    pub settler_key_file: Option<PathBuf>,
    /// More keys; batches are spread over all of them.
    pub settler_keys: Vec<Secret>,
    /// Files that hold more keys, one each.
    pub settler_key_files: Vec<PathBuf>,
    /// Lanes each settler may use, numbered from 0: settlements on their way at once.
    pub lanes: u32,
    /// A node that keeps transactions to itself until they are mined: reveals go there first. A
    /// secret because providers put keys in it.
    pub private_rpc_url: Option<Secret>,
    /// Blocks after which a reveal that it did not get mined goes to the public node as well.
    pub private_blocks: u64,
    /// How often to look for work and receipts, milliseconds.
    pub poll_ms: u64,
    /// How long a worker keeps a settlement to itself, milliseconds.
    pub lease_ms: u64,
    /// When a transaction that is not mined is sent again with a higher fee, milliseconds.
    pub resend_after_ms: u64,
    /// The highest fee per gas ever offered, gwei.
    pub max_fee_per_gas_gwei: u64,
    /// The highest tip per gas ever offered, gwei.
    pub max_priority_fee_gwei: u64,
}

impl Default for SettlementConfig {
    fn default() -> Self {
        Self {
            settler_key: None,
            settler_key_file: None,
            settler_keys: Vec::new(),
            settler_key_files: Vec::new(),
            lanes: 4,
            private_rpc_url: None,
            private_blocks: 3,
            poll_ms: 500,
            lease_ms: 8_000,
            resend_after_ms: 36_000,
            max_fee_per_gas_gwei: 300,
            max_priority_fee_gwei: 3,
        }
    }
}

impl SettlementConfig {
    /// The settlers' keys from wherever they were given.
    ///
    /// # Errors
    /// As [`Secret::resolve`].
    pub fn keys(&self) -> Result<Vec<Secret>, super::SecretError> {
        let first = Secret::resolve(
            "settlement.settler_key",
            self.settler_key.as_ref(),
            self.settler_key_file.as_ref(),
        )?;
        let mut keys: Vec<Secret> = first.into_iter().collect();
        keys.extend(self.settler_keys.iter().cloned());
        for file in &self.settler_key_files {
            let key = Secret::resolve("settlement.settler_key_files", None, Some(file))?;
            keys.extend(key);
        }
        Ok(keys)
    }
}

/// `[receipts]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptConfig {
    /// The key that signs receipts of bids: 32 bytes in hexadecimal, `0x` optional.
    pub key: Option<Secret>,
    /// A file that holds the key instead.
    pub key_file: Option<PathBuf>,
}

impl ReceiptConfig {
    /// The signing key from wherever it was given.
    ///
    /// # Errors
    /// As [`Secret::resolve`].
    pub fn resolve(&self) -> Result<Option<Secret>, super::SecretError> {
        Secret::resolve("receipts.key", self.key.as_ref(), self.key_file.as_ref())
    }
}

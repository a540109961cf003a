//! Settings: defaults, then a TOML file, then the environment; nothing unknown is accepted.
//!
//! An environment variable is `GAVEL_` and the key with `__` between section and name, so
//! `GAVEL_POSTGRES__URL` sets `url` in `[postgres]`. See `infra/gavel.example.toml` for all keys.

mod chain;
mod prices;
mod roles;
mod secret;
mod sources;
mod stores;
mod validate;
mod validate_prices;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use chain::{ChainConfig, TokenConfig};
pub use prices::{CONFIGURED, FeedConfig, PoolConfig, PricesConfig};
pub use roles::{ApiConfig, AuctionConfig, ReceiptConfig, SettlementConfig};
pub use secret::{Secret, SecretError};
pub use stores::{LeaseConfig, LogConfig, LogFormat, PostgresConfig, RedisConfig};

/// Everything an operator can set. `Default` is what an empty file means; it lacks the addresses
/// of the outside world, so it does not pass [`Config::check`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The durable store.
    pub postgres: PostgresConfig,
    /// The streams and the auction's clock.
    pub redis: RedisConfig,
    /// The chain and the contracts on it.
    pub chain: ChainConfig,
    /// The tokens with a reference price.
    pub tokens: Vec<TokenConfig>,
    /// Where reference prices come from.
    pub prices: PricesConfig,
    /// Role `api`.
    pub api: ApiConfig,
    /// Role `auction`.
    pub auction: AuctionConfig,
    /// Role `settlement`.
    pub settlement: SettlementConfig,
    /// Who signs the receipts of bids.
    pub receipts: ReceiptConfig,
    /// How long a role is held without a sign of life.
    pub lease: LeaseConfig,
    /// What is logged, and how.
    pub log: LogConfig,
}

/// Why there is no usable configuration. Names keys, never the values of secrets.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file was named but is not there.
    #[error("no configuration file at {0}")]
    NoFile(String),
    /// A key is unknown, missing or of the wrong type; one line per finding.
    #[error("{}", .0.join("; "))]
    Keys(Vec<String>),
    /// The values contradict each other or lack something; one line per finding.
    #[error("{}", .0.join("; "))]
    Values(Vec<String>),
}

impl Config {
    /// Reads the file, if one is named, and the process's environment over it.
    ///
    /// # Errors
    /// See [`ConfigError`]. Every finding of one kind is reported at once.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let config = sources::read(path, std::env::vars())?;
        config.check()?;
        Ok(config)
    }

    /// Reads a TOML text and nothing else: for tests and tools.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config = sources::parse(text)?;
        config.check()?;
        Ok(config)
    }

    /// Whether the values make sense together.
    ///
    /// # Errors
    /// [`ConfigError::Values`] with every finding, each naming its key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let findings = validate::findings(self);
        if findings.is_empty() { Ok(()) } else { Err(ConfigError::Values(findings)) }
    }
}

#[cfg(test)]
mod tests;

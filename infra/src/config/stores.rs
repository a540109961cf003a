//! Settings of the stores, the leases and the log.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Secret;

/// `[postgres]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database`. Required.
    pub url: Secret,
    /// Connections of one process at most.
    pub max_connections: u32,
    /// How long a caller waits for a connection before `Unavailable`, milliseconds.
    pub acquire_timeout_ms: u64,
    /// The longest a statement may run, milliseconds. Postgres ends it.
    pub statement_timeout_ms: u64,
    /// The longest a transaction may sit idle, milliseconds. Postgres ends it: a frozen leader
    /// would otherwise keep its fence locked and nobody could take over.
    pub idle_transaction_timeout_ms: u64,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            max_connections: 20,
            acquire_timeout_ms: 2_000,
            statement_timeout_ms: 10_000,
            idle_transaction_timeout_ms: 5_000,
        }
    }
}

impl PostgresConfig {
    /// The defaults for a database.
    #[must_use]
    pub fn for_url(url: impl Into<String>) -> Self {
        Self { url: Secret::new(url), ..Self::default() }
    }
}

/// `[redis]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://[user:password@]host:port[/db]`. Required.
    pub url: Secret,
    /// What every key begins with: deployments with different prefixes share a server.
    pub prefix: String,
    /// How long one command, or one attempt to connect, may take, milliseconds.
    pub timeout_ms: u64,
    /// How many events the stream keeps, about. Older ones are in Postgres.
    pub events_kept: u64,
    /// How long an auction's queue outlives its window, seconds.
    pub bids_kept_s: u64,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            prefix: "gavel".to_owned(),
            timeout_ms: 1_000,
            events_kept: 100_000,
            bids_kept_s: 3_600,
        }
    }
}

impl RedisConfig {
    /// The defaults for a server.
    #[must_use]
    pub fn for_url(url: impl Into<String>) -> Self {
        Self { url: Secret::new(url), ..Self::default() }
    }

    /// [`Self::timeout_ms`] as a duration.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// `[lease]`: a role is led by one process at a time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseConfig {
    /// How long a role stays with a holder that gives no sign of life, milliseconds.
    pub ttl_ms: u64,
    /// How often the holder renews it, milliseconds: at most a third of `ttl_ms`.
    pub renew_ms: u64,
}

impl Default for LeaseConfig {
    fn default() -> Self {
        Self { ttl_ms: 6_000, renew_ms: 1_500 }
    }
}

impl LeaseConfig {
    /// [`Self::ttl_ms`] as a duration.
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }

    /// [`Self::renew_ms`] as a duration.
    #[must_use]
    pub const fn renew(&self) -> Duration {
        Duration::from_millis(self.renew_ms)
    }
}

/// `[log]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// One JSON object per line, or text for people.
    pub format: LogFormat,
    /// What is logged, as `tracing` filters are written: `info,auction=debug`.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: "info".to_owned() }
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for people.
    Text,
}

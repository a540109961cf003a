//! Redis: the stream of events, the queues of bids, and the auction's clock.
//!
//! Nothing here is the only copy of anything: after a loss of all data the relay publishes the
//! events again, and an auction whose queue is gone is void.

mod bids;
mod error;
mod events;
mod stake;
mod tail;

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, FromRedisValue,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
};

use crate::config::RedisConfig;

pub use bids::{NewBid, QueuedBid, Quota, Quotas, Submitted, Window};
pub use error::RedisError;
pub use stake::{Fund, Short, Stake};

/// One chain's part of a Redis server. Cheap to clone; clones share a connection.
#[derive(Clone)]
pub struct Store {
    connection: ConnectionManager,
    client: Client,
    config: RedisConfig,
    chain_id: u64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("prefix", &self.config.prefix)
            .field("chain_id", &self.chain_id)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// A store that connects when it is first used and reconnects by itself; must be called
    /// inside the runtime. [`Store::ping`] tells whether the server is there.
    ///
    /// # Errors
    /// [`RedisError::Config`] if the URL is none.
    pub fn connect(config: &RedisConfig, chain_id: u64) -> Result<Self, RedisError> {
        let client = Client::open(config.url.expose()).map_err(RedisError::Config)?;
        let manager = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(config.timeout()))
            .set_response_timeout(Some(config.timeout()));
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), manager)
            .map_err(RedisError::Config)?;
        Ok(Self { connection, client, config: config.clone(), chain_id })
    }

    /// The chain this store is about.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Whether the server answers.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`] within twice the configured timeout if it does not.
    pub async fn ping(&self) -> Result<(), RedisError> {
        let _: String = self.ask(&redis::cmd("PING")).await?;
        Ok(())
    }

    /// The time that decides about bids: Redis' own, Unix milliseconds.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`].
    pub async fn time_ms(&self) -> Result<u64, RedisError> {
        let (seconds, micros): (u64, u64) = self.ask(&redis::cmd("TIME")).await?;
        Ok(seconds * 1_000 + micros / 1_000)
    }

    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, RedisError> {
        let mut connection = self.connection.clone();
        self.in_time(command.query_async(&mut connection)).await
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &redis::ScriptInvocation<'_>,
    ) -> Result<T, RedisError> {
        let mut connection = self.connection.clone();
        self.in_time(script.invoke_async(&mut connection)).await
    }

    /// A command may first have to wait for a connection, hence twice the time of one.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = redis::RedisResult<T>>,
    ) -> Result<T, RedisError> {
        tokio::time::timeout(self.config.timeout() * 2, answer)
            .await
            .map_err(|_| RedisError::Timeout)?
            .map_err(RedisError::from)
    }

    /// A connection of its own, for commands that block at most `patience`.
    async fn blocking_connection(
        &self,
        patience: Duration,
    ) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.config.timeout()))
            .set_response_timeout(Some(patience + self.config.timeout()));
        self.in_time(self.client.get_multiplexed_async_connection_with_config(&config)).await
    }

    fn events_key(&self) -> String {
        format!("{}:{{{}}}:events", self.config.prefix, self.chain_id)
    }
}

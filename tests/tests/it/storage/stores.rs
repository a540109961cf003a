//! A database and a Redis of one's own, connected.

use std::{future::Future, time::Duration};

use domain::{
    AuctionId,
    event::{AuctionPublished, Event},
};
use infra::{
    config::{LeaseConfig, PostgresConfig, RedisConfig},
    pg::{self, Pool},
    redis::Store,
};
use tempfile::TempDir;
use tests::{fixture, redis::Redis, wait};

pub(super) const CHAIN: u64 = 31_337;

/// Short, so that takeovers do not make tests slow.
pub(super) const TIMES: LeaseConfig = LeaseConfig { ttl_ms: 600, renew_ms: 100 };

pub(super) async fn pool() -> Pool {
    pool_with(|_| {}).await
}

pub(super) async fn pool_with(change: impl FnOnce(&mut PostgresConfig)) -> Pool {
    let mut config = PostgresConfig::for_url(fixture::database().await.unwrap());
    change(&mut config);
    pg::connect(&config).unwrap()
}

pub(super) struct OwnRedis {
    pub(super) server: Redis,
    pub(super) store: Store,
    _folder: TempDir,
}

impl OwnRedis {
    pub(super) async fn start() -> Self {
        let (server, folder) = fixture::redis().await.unwrap();
        let store = Store::connect(&RedisConfig::for_url(server.url()), CHAIN).unwrap();
        Self { server, store, _folder: folder }
    }

    pub(super) async fn raw(&self) -> ::redis::aio::MultiplexedConnection {
        let client = ::redis::Client::open(self.server.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    pub(super) async fn flush(&self) {
        ::redis::cmd("FLUSHALL").exec_async(&mut self.raw().await).await.unwrap();
    }
}

/// An event that is told from others by its number.
pub(super) fn event(number: u64) -> Event {
    Event::AuctionPublished(AuctionPublished { auction_id: AuctionId::new(number) })
}

pub(super) async fn until<T, F, Fut>(what: &str, probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    wait::until(what, Duration::from_secs(20), probe).await.unwrap()
}

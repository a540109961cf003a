//! An outage is a typed, retryable error in about two seconds, never a hang.

use std::time::{Duration, Instant};

use alloy::primitives::Address;
use infra::{
    chain::{Chain, ChainError},
    config::{ChainConfig, PostgresConfig, RedisConfig, Secret},
    pg,
    redis::Store,
};
use tokio::net::TcpListener;

use super::stores::CHAIN;

const SOON: Duration = Duration::from_millis(2_900);

/// An address that takes connections and never answers, and one where nobody listens.
async fn silent_and_closed() -> (TcpListener, String, String) {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = silent.local_addr().unwrap().to_string();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = gone.local_addr().unwrap().to_string();
    (silent, there, closed)
}

#[tokio::test]
async fn postgres_silent_or_gone_is_unavailable_soon() {
    let (_guard, silent, closed) = silent_and_closed().await;
    for address in [silent, closed] {
        let config = PostgresConfig::for_url(format!("postgres://gavel@{address}/gavel"));
        let pool = pg::connect(&config).unwrap();
        let begun = Instant::now();
        let error = pg::ping(&pool).await.unwrap_err();
        assert!(error.retryable(), "{error:?}");
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn redis_silent_or_gone_is_unavailable_soon() {
    let (_guard, silent, closed) = silent_and_closed().await;
    for address in [silent, closed] {
        let config = RedisConfig::for_url(format!("redis://{address}"));
        let store = Store::connect(&config, CHAIN).unwrap();
        for _ in 0..2 {
            let begun = Instant::now();
            let error = store.time_ms().await.unwrap_err();
            assert!(error.retryable(), "{error:?}");
            assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        }
    }
}

#[tokio::test]
async fn a_node_silent_or_gone_is_unavailable_soon() {
    let (_guard, silent, closed) = silent_and_closed().await;
    for address in [silent, closed] {
        let config = ChainConfig {
            rpc_url: Secret::new(format!("http://user:hunter2@{address}/?key=hunter2")),
            chain_id: CHAIN,
            rpc_concurrency: 1,
            ..ChainConfig::default()
        };
        let chain = Chain::connect(&config).unwrap();
        let begun = Instant::now();
        // the second has to wait for the first one's permit, and is as soon
        let (one, two) = tokio::join!(chain.block_latest(), chain.nonce_latest(Address::ZERO));
        for error in [one.unwrap_err(), two.unwrap_err()] {
            assert!(matches!(error, ChainError::Timeout | ChainError::Unavailable(_)));
            assert!(error.retryable());
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        }
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

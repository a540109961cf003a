//! A transaction that is given up at any moment leaves nothing behind.

use std::{future::Future, pin::pin};

use futures_util::poll;
use infra::{
    config::PostgresConfig,
    pg::{self, Pool, event},
};
use tests::fixture;

use super::stores::{CHAIN, event};

/// Lets a future run for `polls` polls, then gives it up. Whether it was still waiting.
async fn give_up_after<F: Future>(polls: u32, future: F) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        if poll!(&mut future).is_ready() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

async fn events(pool: &Pool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM event").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn what_is_written_after_a_transaction_was_given_up_while_it_began_is_committed() {
    let mut config = PostgresConfig::for_url(fixture::database().await.unwrap());
    // another pool on the same database sees only what is committed
    let other = pg::connect(&config).unwrap();
    config.max_connections = 1;
    let pool = pg::connect(&config).unwrap();
    pg::ping(&pool).await.unwrap();
    let mut written = 0;
    while give_up_after(written, pg::begin(&pool)).await {
        written += 1;
        let mut conn = pool.acquire().await.unwrap();
        event::append(&mut conn, CHAIN, &[event(u64::from(written))]).await.unwrap();
        drop(conn);
        assert_eq!(events(&other).await, i64::from(written), "given up after {written} polls");
    }
    assert!(written > 2, "the beginning was never given up half-way");
}

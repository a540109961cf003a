//! The lock between cuts and cancellations.

use std::time::Duration;

use infra::pg::{Hold, market_lock};
use tokio::time::timeout;

use super::stores::{CHAIN, pool};

const MOMENT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn cancellations_share_the_market_and_a_cut_has_it_alone() {
    let pool = pool().await;
    let mut one = infra::pg::begin(&pool).await.unwrap();
    market_lock(&mut one, CHAIN, Hold::Shared).await.unwrap();
    let mut two = infra::pg::begin(&pool).await.unwrap();
    market_lock(&mut two, CHAIN, Hold::Shared).await.unwrap();

    let cut = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut tx = infra::pg::begin(&pool).await.unwrap();
            market_lock(&mut tx, CHAIN, Hold::Exclusive).await.unwrap();
            tx
        }
    });
    one.commit().await.unwrap();
    tokio::time::sleep(MOMENT).await;
    assert!(!cut.is_finished(), "the cut did not wait for the second cancellation");
    two.rollback().await.unwrap();
    let cut = cut.await.unwrap();

    let mut late = infra::pg::begin(&pool).await.unwrap();
    let waits = timeout(MOMENT, market_lock(&mut late, CHAIN, Hold::Shared)).await;
    assert!(waits.is_err(), "a cancellation did not wait for the cut");
    let mut other = infra::pg::begin(&pool).await.unwrap();
    market_lock(&mut other, CHAIN + 1, Hold::Exclusive).await.unwrap();
    cut.commit().await.unwrap();
}

//! Counting a decision through, which no decision waits for.

use std::time::Duration;

use auction::{Market, Step};
use domain::status::AuctionStatus;
use tests::{stack::Plan, wait};

use super::house::{House, concluded, opened, step};

const WETH: u128 = 10u128.pow(18);
const PATIENCE: Duration = Duration::from_secs(30);

/// From now on `then` happens whenever an auction is marked as counted.
async fn on_counting(house: &House, then: &str) {
    let function = format!(
        "CREATE OR REPLACE FUNCTION counting() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN {then}; RETURN NEW; END $$"
    );
    let trigger = "CREATE OR REPLACE TRIGGER counting BEFORE UPDATE ON auction FOR EACH ROW
        WHEN (OLD.uncounted AND NOT NEW.uncounted) EXECUTE FUNCTION counting()";
    sqlx::query(sqlx::AssertSqlSafe(function)).execute(&house.pool).await.unwrap();
    sqlx::query(trigger).execute(&house.pool).await.unwrap();
}

/// Steps until an auction is published.
async fn step_until_published(house: &House, market: &mut Market, id: u64) {
    let done = async {
        while house.auction(id).await.status != AuctionStatus::Published {
            step(market).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, done).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn auctions_are_decided_and_opened_while_the_counting_of_all_older_ones_hangs() {
    let house = House::with(Plan { window_ms: 200, ..Plan::default() }).await;
    let mut market = house.lead().await;
    house.accept(0, &house.one_weth()).await;
    on_counting(&house, "PERFORM pg_advisory_xact_lock(77)").await;
    let mut held = infra::pg::begin(&house.pool).await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(77)").execute(&mut *held).await.unwrap();
    let windows = async {
        assert_eq!(step(&mut market).await.unwrap(), opened(1));
        for n in 1..=6 {
            assert_eq!(step(&mut market).await.unwrap(), concluded(n, Some(n + 1)));
        }
    };
    tokio::time::timeout(PATIENCE, windows).await.unwrap();
    for n in 1..=6 {
        assert_eq!(house.auction(n).await.status, AuctionStatus::Decided, "{n}");
    }
    // no task was lost over it
    held.commit().await.unwrap();
    for n in 1..=6 {
        house.published(n).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_leader_decides_the_closed_auction_while_the_counting_of_an_older_one_hangs() {
    let house = House::with(Plan { window_ms: 200, ..Plan::default() }).await;
    let mut market = house.lead().await;
    house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    on_counting(&house, "RAISE EXCEPTION 'not now'").await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    drop(market);
    on_counting(&house, "PERFORM pg_advisory_xact_lock(77)").await;
    let mut held = infra::pg::begin(&house.pool).await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(77)").execute(&mut *held).await.unwrap();
    let mut successor = house.lead().await;
    let decided = tokio::time::timeout(PATIENCE, step(&mut successor)).await.unwrap();
    assert_eq!(decided.unwrap(), concluded(2, Some(3)));
    assert_eq!(house.auction(1).await.status, AuctionStatus::Decided);
    held.commit().await.unwrap();
    house.published(1).await;
    house.published(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_counted_stops_neither_the_market_nor_the_counting_of_others() {
    let house = House::with(Plan { window_ms: 200, ..Plan::default() }).await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    on_counting(&house, "RAISE EXCEPTION 'not now'").await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    house.submit(2, &house.bid(0, 2, &[(intent, WETH, 2_490_000_000)])).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(2, None));
    drop(market);
    let failed = "UPDATE settlement SET status = 'failed'";
    sqlx::query(failed).execute(&house.pool).await.unwrap();
    let whole = house.auction(1).await.outcome;
    let broken = "UPDATE auction SET outcome = '{\"is\": \"none\"}' WHERE id = 1";
    sqlx::query(broken).execute(&house.pool).await.unwrap();
    on_counting(&house, "NULL").await;
    let mut successor = house.lead().await;
    for _ in 0..3 {
        assert_eq!(step(&mut successor).await.unwrap(), Step::Idle);
    }
    house.published(2).await;
    assert_eq!(house.count("SELECT count(*) FROM auction WHERE uncounted").await, 1);

    // mended, it is counted by the leader that could not
    let mended = "UPDATE auction SET outcome = $1 WHERE id = 1";
    sqlx::query(mended).bind(sqlx::types::Json(whole)).execute(&house.pool).await.unwrap();
    step_until_published(&house, &mut successor, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auction_whose_counting_failed_is_published_later_though_the_market_is_never_idle() {
    let house = House::with(Plan { window_ms: 100, ..Plan::default() }).await;
    let mut market = house.lead().await;
    house.accept(0, &house.one_weth()).await;
    // a sequence keeps what a transaction that is rolled back drew from it
    sqlx::query("CREATE SEQUENCE tried MINVALUE 0").execute(&house.pool).await.unwrap();
    on_counting(&house, "PERFORM nextval('tried'); RAISE EXCEPTION 'not now'").await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    wait::until("the first attempt", PATIENCE, || async {
        let tried = house.count("SELECT count(*) FROM tried WHERE is_called").await;
        if tried > 0 { Ok(()) } else { Err("none".to_owned()) }
    })
    .await
    .unwrap();
    on_counting(&house, "NULL").await;
    step_until_published(&house, &mut market, 1).await;
}

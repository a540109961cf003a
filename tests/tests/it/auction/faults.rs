//! Lost queues, dead apis, frozen leaders, restarts.

use std::time::Duration;

use domain::status::{AuctionStatus, IntentStatus};
use infra::pg::{self, StoreError, auction::Outcome};
use tests::wait;
use tokio_util::sync::CancellationToken;

use super::house::{House, concluded, opened, step};
use auction::{AuctionError, Step};

const WETH: u128 = 10u128.pow(18);

fn void_reason(auction: &infra::pg::auction::StoredAuction) -> Option<&str> {
    match auction.outcome.as_ref()? {
        Outcome::Void { reason } => Some(reason),
        Outcome::Decided { .. } => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_bid_without_a_row_is_given_one_and_counts() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    // the api dies between queue and row
    let bid = house.bid(0, 1, &[(intent, WETH, 2_490_000_000)]);
    house.queue(1, &bid).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    let mut conn = house.pool.acquire().await.unwrap();
    let kept = pg::bid::of_auction(&mut conn, house.chain_id(), domain::AuctionId::new(1)).await;
    let verdict = kept.unwrap().remove(0).verdict.unwrap();
    assert_eq!(verdict["verdict"], "won", "{verdict}");
    assert_eq!(house.intent(intent).await.status, IntentStatus::Matched);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_bid_the_stream_lost_voids_the_auction_and_frees_its_intents() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let (kept, lost) = (
        house.bid(0, 1, &[(intent, WETH, 2_480_000_000)]),
        house.bid(0, 1, &[(intent, WETH, 2_490_000_000)]),
    );
    house.submit(1, &kept).await;
    let place = house.queue(1, &lost).await;
    house.keep(1, &lost, place).await;
    let infra::redis::Submitted::Queued { ms, seq } = place else { panic!("{place:?}") };
    let client = redis::Client::open(house.stack.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("gavel:{{{}:1}}:bids", house.chain_id());
    let removed: i64 = redis::cmd("XDEL")
        .arg(key)
        .arg(format!("{ms}-{seq}"))
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(removed, 1);
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    let auction = house.auction(1).await;
    assert_eq!(void_reason(&auction), Some("bids_disagree"));
    let events = house.events().await;
    assert_eq!(events[1..4], ["auction.closed", "auction.void", "auction.published"]);
    assert_eq!(house.count("SELECT count(*) FROM settlement").await, 0);
    assert_eq!(house.intent(intent).await.auction_id.unwrap().get(), 2, "back, and cut again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgets_everything_costs_the_window_and_no_intent() {
    let mut house = House::start().await;
    let mut market = house.lead().await;
    let first = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(first, WETH, 2_490_000_000)])).await;
    house.stack.redis.kill9().unwrap();
    // accepted while Redis is down
    let second = house.accept(1, &house.one_weth()).await;
    let error = step(&mut market).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    house.stack.redis.restart().await.unwrap();
    wait::until("Redis being back", Duration::from_secs(10), || {
        let queue = house.queue.clone();
        async move { queue.ping().await.map_err(|e| e.to_string()) }
    })
    .await
    .unwrap();
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    assert_eq!(void_reason(&house.auction(1).await), Some("queue_lost"));
    for intent in [first, second] {
        let row = house.intent(intent).await;
        assert_eq!((row.status, row.auction_id.unwrap().get()), (IntentStatus::Open, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_frozen_past_its_lease_and_thawed_writes_nothing() {
    let house = House::start().await;
    let mut frozen = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut frozen).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(intent, WETH, 2_490_000_000)])).await;
    // another takes over in the middle of the window and finishes it
    let mut successor = house.lead().await;
    let state = "SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM timeline)
        + (SELECT count(*) FROM auction) + (SELECT count(*) FROM settlement)";
    let before = house.count(state).await;
    let error = step(&mut frozen).await.unwrap_err();
    assert!(matches!(error, AuctionError::Store(StoreError::Fenced)), "{error}");
    assert!(error.fenced());
    assert_eq!(house.count(state).await, before);
    assert_eq!(house.auction(1).await.status, AuctionStatus::Open);
    assert_eq!(step(&mut successor).await.unwrap(), concluded(1, None));
    assert_eq!(house.intent(intent).await.status, IntentStatus::Matched);
    // thawed once more, with a book to cut from: neither rows nor the queue are its own
    house.accept(1, &house.one_weth()).await;
    assert!(step(&mut frozen).await.unwrap_err().fenced());
    assert_eq!(house.count("SELECT count(*) FROM auction").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_window_goes_on_with_it() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(intent, WETH, 2_490_000_000)])).await;
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(market.step(&stop).await.unwrap(), Step::Stopped);
    drop(market);
    let mut market = house.lead().await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    assert_eq!(house.intent(intent).await.status, IntentStatus::Matched);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_leads_by_itself_wakes_for_an_intent_and_stops_when_told() {
    let house = House::start().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(auction::run(
        house.config.clone(),
        house.pool.clone(),
        house.queue.clone(),
        house.chain.clone(),
        stop.clone(),
    ));
    house.accept(0, &house.one_weth()).await;
    wait::until("two auctions", Duration::from_secs(20), || async {
        match house.count("SELECT count(*) FROM auction").await {
            0 | 1 => Err("too few".to_owned()),
            _ => Ok(()),
        }
    })
    .await
    .unwrap();
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), running).await.unwrap().unwrap().unwrap();
    let role =
        "SELECT count(*) FROM lease WHERE role LIKE 'auction:%' AND expires_at > clock_timestamp()";
    assert_eq!(house.count(role).await, 0, "the lease is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_leader_decided_but_did_not_wind_up_is_wound_up_by_the_next_one_once() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let won = house.accept(0, &house.one_weth()).await;
    let lost = house.accept(1, &house.one_weth()).await;
    let unwanted = house.accept(2, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(won, WETH, 2_490_000_000)])).await;
    // the outcome is committed, what follows from it is not
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not now'; END $$";
    let trigger = "CREATE TRIGGER refuse BEFORE UPDATE OF wound_up ON auction
        FOR EACH ROW EXECUTE FUNCTION refuse()";
    for statement in [refuse, trigger] {
        sqlx::query(statement).execute(&house.pool).await.unwrap();
    }
    step(&mut market).await.unwrap_err();
    assert_eq!(house.auction(1).await.status, AuctionStatus::Decided);
    assert_eq!(house.intent(won).await.status, IntentStatus::Matched);
    let held = house.intent(lost).await;
    assert_eq!((held.status, held.auction_id.unwrap().get()), (IntentStatus::Open, 1));
    // in between a cancellation comes too late, and is kept
    let owner = house.stack.owner(2).address();
    let mut tx = pg::begin(&house.pool).await.unwrap();
    let answer = pg::intent::cancel(&mut tx, house.chain_id(), owner, &[unwanted]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(answer[0], pg::intent::CancelOutcome::TooLate { .. }), "{answer:?}");

    sqlx::query("DROP TRIGGER refuse ON auction").execute(&house.pool).await.unwrap();
    let mut successor = house.lead().await;
    assert_eq!(step(&mut successor).await.unwrap(), opened(2));
    assert_eq!(house.intent(lost).await.auction_id.unwrap().get(), 2);
    assert_eq!(house.intent(unwanted).await.status, IntentStatus::Cancelled);
    assert_eq!(house.kinds(won).await, ["opened", "cut", "won"]);
    assert_eq!(house.kinds(lost).await, ["opened", "cut", "not_won", "cut"]);
    assert_eq!(step(&mut successor).await.unwrap(), concluded(2, Some(3)));
    assert_eq!(house.kinds(won).await, ["opened", "cut", "won"], "told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_leader_left_uncounted_is_counted_by_the_next_one_before_it_is_published() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(intent, WETH, 2_490_000_000)])).await;
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not now'; END $$";
    let trigger = "CREATE TRIGGER refuse BEFORE UPDATE ON auction FOR EACH ROW
        WHEN (OLD.uncounted AND NOT NEW.uncounted) EXECUTE FUNCTION refuse()";
    for statement in [refuse, trigger] {
        sqlx::query(statement).execute(&house.pool).await.unwrap();
    }
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    drop(market);
    // its settlement is over first
    let failed = "UPDATE settlement SET status = 'failed'";
    sqlx::query(failed).execute(&house.pool).await.unwrap();
    let auction = domain::AuctionId::new(1);
    let mut tx = pg::begin(&house.pool).await.unwrap();
    let published = pg::auction::publish_if_settled(&mut tx, house.chain_id(), auction).await;
    assert!(!published.unwrap(), "a record without its references is none");
    tx.commit().await.unwrap();
    sqlx::query("DROP TRIGGER refuse ON auction").execute(&house.pool).await.unwrap();
    let mut successor = house.lead().await;
    assert_eq!(step(&mut successor).await.unwrap(), Step::Idle);
    let auction = house.published(1).await;
    let references = &auction.outcome.unwrap().decision().unwrap().references.clone();
    assert_eq!(references.len(), 1, "{references:?}");
    assert!(house.kinds(intent).await.contains(&"auction_result".to_owned()));
}

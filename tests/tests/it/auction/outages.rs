//! Stores and node that fail in the middle of everything.

use std::{collections::BTreeMap, time::Duration};

use auction::Step;
use domain::status::IntentStatus;
use nix::sys::signal::Signal;
use tests::{orders::Order, stack::Plan, wait};
use tokio_util::sync::CancellationToken;

use super::house::{House, concluded, opened, step};

const PATIENCE: Duration = Duration::from_secs(30);
const WETH: u128 = 10u128.pow(18);

#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_again_and_again_leave_every_record_whole_and_every_intent_in_the_book() {
    let mut house = House::with(Plan { window_ms: 300, ..Plan::default() }).await;
    // the market's connections are told from the test's by their name
    let own = sqlx::PgPool::connect(&house.stack.postgres_url).await.unwrap();
    let gavel = std::mem::replace(&mut house.pool, own);
    let stop = CancellationToken::new();
    let (queue, chain) = (house.queue.clone(), house.chain.clone());
    let running =
        tokio::spawn(auction::run(house.config.clone(), gavel, queue, chain, stop.clone()));
    let mut intents = Vec::new();
    let mut beat = tokio::time::interval(Duration::from_millis(70));
    for n in 0..40 {
        beat.tick().await;
        if n % 8 == 0 {
            intents.push(house.accept(n / 8 % 4, &house.one_weth()).await);
        }
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'gavel'";
        house.count(cut).await;
    }
    let decided = "SELECT count(*) FROM auction WHERE status <> 'open'";
    let before = house.count(decided).await;
    wait::until("two more auctions", PATIENCE, || async {
        let now = house.count(decided).await;
        if now > before + 1 { Ok(()) } else { Err(now.to_string()) }
    })
    .await
    .unwrap();
    stop.cancel();
    running.await.unwrap().unwrap();

    let auctions = house.auctions().await;
    for pair in auctions.windows(2) {
        assert_eq!(pair[1].opening.auction_id, pair[0].opening.auction_id.next());
        assert_eq!(pair[1].opening.previous, pair[0].open_hash);
        assert!(pair[0].outcome.is_some());
    }
    let mut told = BTreeMap::<String, usize>::new();
    for kind in house.events().await {
        *told.entry(kind).or_default() += 1;
    }
    let ended = auctions.iter().filter(|auction| auction.outcome.is_some()).count();
    assert_eq!(told["auction.opened"], auctions.len());
    assert_eq!(told["auction.closed"], ended);
    for intent in intents {
        assert_eq!(house.intent(intent).await.status, IntentStatus::Open);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_delays_the_decision_and_loses_no_bid() {
    let settings = vec![("chain.rpc_timeout_ms", "300".to_owned())];
    let plan = Plan { window_ms: 1_000, settings, ..Plan::default() };
    let mut house = House::with(plan).await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(intent, WETH, 2_490_000_000)])).await;
    house.stack.anvil.process().signal(Signal::SIGSTOP).unwrap();
    let error = step(&mut market).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    house.stack.anvil.process().signal(Signal::SIGCONT).unwrap();
    wait::until("the node answering", PATIENCE, || {
        let chain = house.chain.clone();
        async move { chain.check_id().await.map_err(|e| e.to_string()) }
    })
    .await
    .unwrap();
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    assert_eq!(house.intent(intent).await.status, IntentStatus::Matched);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_intents_without_funds_does_not_hide_the_one_behind_it() {
    let settings = vec![("auction.max_intents", "2".to_owned())];
    let house = House::with(Plan { settings, ..Plan::default() }).await;
    let mut market = house.lead().await;
    let (weth, usdc) = (house.stack.token("WETH"), house.stack.token("USDC"));
    // more than one look reaches
    for n in 0..9 {
        house.accept(n % 3, &Order::sell(weth, 10u128.pow(30), usdc, 1)).await;
    }
    let funded = house.accept(3, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), Step::Idle);
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert!(house.intent(funded).await.auction_id.is_some());
}

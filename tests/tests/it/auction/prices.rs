//! Reference prices of real sources in real records: the settings, an HTTP feed, a Uniswap V2 pair.

mod pools;
mod scene;

use alloy::primitives::{Address, U256};
use auction::Step;
use domain::{Amount, price::Dated, status::IntentStatus};
use infra::config::FeedConfig;
use tests::{feed::PriceFeed, wait};
use tokio_util::sync::CancellationToken;

use self::scene::{ETHER, PATIENCE, SETTING, Scene, WINDOW_S, desk, now_ms, says};
use super::house::{concluded, opened, step};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_carries_the_median_of_the_settings_a_feed_and_a_pools_half_hour() {
    let mut scene = Scene::start().await;
    let (feed, usdc) = (PriceFeed::start().await.unwrap(), scene.usdc());
    let (pool, desk) = (scene.pool(), FeedConfig { max_age_ms: 60_000, ..desk(&feed) });
    scene.sources(&["configured", "desk", "pool"], |config| {
        config.prices.quorum = 2;
        config.prices.pools.push(pool);
        config.prices.feeds.push(desk);
    });
    // what was before these sources were asked is read from the node's past
    scene.block_after(WINDOW_S + 5, &[]).await;
    let watching = scene.watch();
    let spot = scene.spot().await;
    assert_eq!(scene.looked(&watching).await, spot, "nobody has traded");
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    scene.house.accept(0, &scene.house.one_weth()).await;

    // below both, between them, above them, and wildly wrong
    let (low, middle) = (SETTING - 10u128.pow(25), SETTING + 10u128.pow(25));
    let cases = [
        (low, U256::from(SETTING)),
        (middle, U256::from(middle)),
        (SETTING + 10u128.pow(26), spot),
        (SETTING * 1_000, spot),
    ];
    for (number, (price, expected)) in (1..).zip(cases) {
        let at_ms = now_ms(&scene.house).await;
        feed.say(&[(Address::ZERO, U256::from(7), at_ms), (usdc, U256::from(price), at_ms)]);
        watching.heard("desk", usdc, |heard| heard.worth == says(price)).await;
        match step(&mut market).await.unwrap() {
            Step::Opened(_) => assert_eq!(number, 1),
            other => assert_eq!(other, concluded(number - 1, Some(number))),
        }
        assert_eq!(scene.price(number).await, Some(expected), "the feed says {price}");
    }
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_dies_or_repeats_itself_goes_stale_and_its_token_is_unpriced_meanwhile() {
    let mut scene = Scene::start().await;
    let (feed, usdc) = (PriceFeed::start().await.unwrap(), scene.usdc());
    scene.sources(&["configured", "desk"], |config| {
        config.prices.quorum = 2;
        config.prices.feeds.push(desk(&feed));
    });
    let watching = scene.watch();
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    scene.house.accept(0, &scene.house.one_weth()).await;
    // nothing was heard of it yet
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(scene.price(1).await, None);

    let later_ms = now_ms(&scene.house).await + 4_000;
    feed.say(&[(usdc, U256::from(SETTING), later_ms)]);
    watching.heard("desk", usdc, |heard| heard.read_ms_ago < 500).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    assert_eq!(scene.price(2).await, Some(U256::from(SETTING)));

    // it answers, but always the same
    let old_ms = now_ms(&scene.house).await - 601;
    feed.say(&[(usdc, U256::from(SETTING), old_ms)]);
    watching.heard("desk", usdc, |heard| heard.dated == Dated::At(old_ms)).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(2, Some(3)));
    assert_eq!(scene.price(3).await, None);

    // it accepts and never answers: the cut does not wait for it
    let later_ms = now_ms(&scene.house).await + 4_000;
    feed.say(&[(usdc, U256::from(SETTING), later_ms)]);
    watching.heard("desk", usdc, |heard| heard.dated == Dated::At(later_ms)).await;
    feed.hang();
    watching.heard("desk", usdc, |heard| heard.read_ms_ago > 600).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(3, Some(4)));
    assert_eq!(scene.price(4).await, None);

    // it is gone
    let last = watching.heard("desk", usdc, |_| true).await;
    drop(feed);
    assert_eq!(step(&mut market).await.unwrap(), concluded(4, Some(5)));
    assert_eq!(scene.price(5).await, None);
    let heard = watching.heard("desk", usdc, |_| true).await;
    assert!(heard.read_ms_ago > last.read_ms_ago, "{heard:?}");
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_is_made_in_steps_that_a_restart_does_not_lengthen() {
    let mut scene = Scene::start().await;
    let (feed, usdc) = (PriceFeed::start().await.unwrap(), scene.usdc());
    let desk = FeedConfig { max_age_ms: 60_000, ..desk(&feed) };
    scene.sources(&["desk"], |config| {
        config.prices.max_move_bps = 1_000;
        config.prices.feeds.push(desk);
    });
    feed.say(&[(usdc, U256::from(SETTING), now_ms(&scene.house).await)]);
    let watching = scene.watch();
    watching.heard("desk", usdc, |_| true).await;
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    scene.house.accept(0, &scene.house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(scene.price(1).await, Some(U256::from(SETTING)));

    feed.say(&[(usdc, U256::from(SETTING * 2), now_ms(&scene.house).await)]);
    watching.heard("desk", usdc, |heard| heard.worth == says(SETTING * 2)).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    assert_eq!(scene.price(2).await, Some(U256::from(SETTING / 100 * 110)));
    // another process: it knows from the rows what the last prices were
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    assert_eq!(step(&mut market).await.unwrap(), concluded(2, Some(3)));
    assert_eq!(scene.price(3).await, Some(U256::from(SETTING / 10_000 * 12_100)));
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_reads_its_sources_beside_the_market_and_ends_with_them() {
    let mut scene = Scene::start().await;
    let (feed, usdc) = (PriceFeed::start().await.unwrap(), scene.usdc());
    let desk = FeedConfig { max_age_ms: 60_000, ..desk(&feed) };
    scene.sources(&["desk"], |config| config.prices.feeds.push(desk));
    feed.say(&[(usdc, U256::from(SETTING + 1), now_ms(&scene.house).await)]);
    let stop = CancellationToken::new();
    let (pool, queue) = (scene.house.pool.clone(), scene.house.queue.clone());
    let (config, chain) = (scene.house.config.clone(), scene.house.chain.clone());
    let running = tokio::spawn(auction::run(config, pool, queue, chain, stop.clone()));
    scene.house.accept(0, &scene.house.one_weth()).await;
    wait::until("a record with the feed's price", PATIENCE, || async {
        let last = scene.house.auctions().await.pop().ok_or("no auction yet")?;
        let priced = last.opening.prices.iter().find(|entry| entry.token == usdc);
        let price = priced.map(|entry| entry.price.get());
        if price == Some(U256::from(SETTING + 1)) { Ok(()) } else { Err(format!("{price:?}")) }
    })
    .await
    .unwrap();
    stop.cancel();
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_in_a_token_that_too_few_sources_know_are_decided_in_its_own_atoms() {
    let mut scene = Scene::with_windows(1_000).await;
    let feed = PriceFeed::start().await.unwrap();
    scene.sources(&["configured", "desk"], |config| {
        config.prices.quorum = 2;
        config.prices.feeds.push(desk(&feed));
    });
    let watching = scene.watch();
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    let intent = scene.house.accept(0, &scene.house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(scene.price(1).await, None);
    for bought in [2_480_000_000, 2_490_000_000] {
        scene.house.submit(1, &scene.house.bid(0, 1, &[(intent, ETHER, bought)])).await;
    }
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    let outcome = scene.house.auction(1).await.outcome.unwrap();
    let [pair] = outcome.decision().unwrap().second_pass.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(pair.token, scene.usdc());
    // what the better one gives over the 2,475 that were signed for
    assert_eq!(pair.total, Amount::from(15_000_000_u64));
    assert_eq!(scene.house.intent(intent).await.status, IntentStatus::Matched);
    watching.end().await;
}

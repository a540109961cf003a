//! When windows open, what is cut into them, and what counts in them.

use infra::redis::Submitted;
use tests::{
    orders::{Order, now_s},
    stack::Plan,
};

use super::house::{House, concluded, opened, step};
use auction::Step;

#[tokio::test(flavor = "multi_thread")]
async fn with_an_empty_book_nothing_is_written_and_the_first_intent_opens_a_window() {
    let house = House::start().await;
    let mut market = house.lead().await;
    assert_eq!(step(&mut market).await.unwrap(), Step::Idle);
    assert_eq!(house.count("SELECT count(*) FROM auction").await, 0);
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let auction = house.auction(1).await;
    assert_eq!(auction.opening.hash(), auction.open_hash);
    assert_eq!(auction.opening.intents.iter().map(|cut| cut.id).collect::<Vec<_>>(), [intent]);
    let window = auction.opening.closes_at_ms - auction.opening.opened_at_ms;
    assert_eq!(window, house.config.auction.window_ms);
    assert_eq!(house.intent(intent).await.auction_id.unwrap().get(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_follow_one_another_while_there_are_candidates_and_their_records_are_chained() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    assert_eq!(step(&mut market).await.unwrap(), concluded(2, Some(3)));
    let (first, second, third) =
        (house.auction(1).await, house.auction(2).await, house.auction(3).await);
    assert_eq!(second.opening.previous, first.open_hash);
    assert_eq!(third.opening.previous, second.open_hash);
    assert!(second.opening.opened_at_ms >= first.opening.closes_at_ms);
    assert!(third.opening.intents.iter().any(|cut| cut.id == intent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_after_the_close_is_late_by_so_much_and_does_not_count() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let bid = house.bid(0, 1, &[(intent, 10u128.pow(18), 2_480_000_000)]);
    step(&mut market).await.unwrap();
    let closes_at_ms = house.auction(1).await.opening.closes_at_ms;
    match house.queue(1, &bid).await {
        Submitted::Late { closed_at_ms, ms } => {
            assert_eq!(closed_at_ms, closes_at_ms);
            assert!(ms >= closes_at_ms);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(house.auction(1).await.closing.unwrap().bid_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_marker_no_bid_gets_a_place_before_the_close() {
    let house = House::with(Plan { window_ms: 60_000, ..Plan::default() }).await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let early = house.bid(0, 1, &[(intent, 10u128.pow(18), 2_480_000_000)]);
    assert!(matches!(house.queue(1, &early).await, Submitted::Queued { .. }));
    let closes_at_ms = house.auction(1).await.opening.closes_at_ms;
    // closed by a leader whose clock is far ahead
    let id = domain::AuctionId::new(1);
    assert_eq!(house.queue.close(id, closes_at_ms).await.unwrap(), Some(1));
    let late = house.bid(0, 1, &[(intent, 10u128.pow(18), 2_490_000_000)]);
    assert!(matches!(house.queue(1, &late).await, Submitted::Late { .. }));
    assert_eq!(house.queue.read(id, None, closes_at_ms).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_cannot_be_cut_is_told_why_once() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let (weth, usdc) = (house.stack.token("WETH"), house.stack.token("USDC"));
    let poor = house.accept(0, &Order::sell(weth, 10u128.pow(30), usdc, 1)).await;
    let short = Order { valid_to: now_s() + 5, ..house.one_weth() };
    let short = house.accept(1, &short).await;
    for _ in 0..3 {
        assert_eq!(step(&mut market).await.unwrap(), Step::Idle);
    }
    // a new leader has no memory of what was said, the rows have
    assert_eq!(step(&mut house.lead().await).await.unwrap(), Step::Idle);
    for (intent, reason) in [(poor, "balance_short"), (short, "expires_too_soon")] {
        let told = house.timeline(intent).await;
        let told: Vec<_> = told.iter().filter(|(kind, _)| kind == "left_out").collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].1["reason"], reason);
    }
    assert_eq!(house.count("SELECT count(*) FROM auction").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_winner_takes_is_in_flight_for_the_next_cut() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let (weth, usdc) = (house.stack.token("WETH"), house.stack.token("USDC"));
    // the owner has a thousand: enough for either, not for both
    let unit = 10u128.pow(18);
    let big = Order::sell(weth, 700 * unit, usdc, 700 * 2_475_000_000);
    let (first, second) = (house.accept(0, &big).await, house.accept(0, &big).await);
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(first, 700 * unit, 700 * 2_480_000_000)])).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    assert_eq!(step(&mut market).await.unwrap(), Step::Idle);
    let (kind, detail) = house.timeline(second).await.pop().unwrap();
    assert_eq!((kind.as_str(), detail["reason"].as_str()), ("left_out", Some("in_flight")));
}

#[tokio::test(flavor = "multi_thread")]
async fn auctions_follow_one_another_while_no_batch_of_theirs_is_ever_settled() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let mut intents = Vec::new();
    for owner in 0..4 {
        intents.push(house.accept(owner, &house.one_weth()).await);
    }
    // somebody whom nobody bids for keeps the windows coming
    let waiting = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    for (number, intent) in (1..).zip(&intents) {
        let bid = house.bid(0, number, &[(*intent, 10u128.pow(18), 2_480_000_000)]);
        house.submit(number, &bid).await;
        assert_eq!(step(&mut market).await.unwrap(), concluded(number, Some(number + 1)));
    }
    assert_eq!(house.count("SELECT count(*) FROM settlement WHERE status = 'planned'").await, 4);
    let auctions = house.auctions().await;
    for (pair, matched) in auctions.windows(2).zip(&intents) {
        let (before, after) = (&pair[0].opening, &pair[1].opening);
        // nothing but the decision lies between two windows, on however busy a machine
        let between = after.opened_at_ms - before.closes_at_ms;
        assert!(between < house.config.auction.window_ms, "{between} ms between two windows");
        let cut = |id| after.intents.iter().any(|entry| entry.id == id);
        assert!(!cut(*matched), "it is in flight");
        assert!(cut(waiting));
    }
}

//! What the transaction that publishes an outcome writes.

use domain::{
    auction::{DropReason, Ruling},
    status::{AuctionStatus, IntentStatus},
};
use infra::pg;
use tests::{orders::Order, stack::Plan};

use super::house::{House, concluded, opened, step};

const WETH: u128 = 10u128.pow(18);

#[tokio::test(flavor = "multi_thread")]
async fn bids_are_decided_in_one_transaction_and_the_next_window_opened_in_the_one_after_it() {
    let house = House::with(Plan { window_ms: 1_000, solvers: 2, ..Plan::default() }).await;
    let mut market = house.lead().await;
    let won = house.accept(0, &house.one_weth()).await;
    let unwanted = house.accept(1, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let better = house.bid(0, 1, &[(won, WETH, 2_495_000_000)]);
    let worse = house.bid(1, 1, &[(won, WETH, 2_480_000_000)]);
    let broken = house.bid(1, 1, &[(unwanted, WETH, 2_474_999_999)]);
    for bid in [&better, &worse, &broken] {
        house.submit(1, bid).await;
    }
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));

    let auction = house.auction(1).await;
    let decision = auction.outcome.as_ref().unwrap().decision().unwrap().clone();
    assert_eq!(auction.status, AuctionStatus::Decided);
    assert_eq!(auction.closing.unwrap().bid_count, 3);
    assert_eq!(decision.winners, [better.bid.id(house.stack.domain())]);
    let beaten = decision.verdicts[1].ruling;
    assert!(matches!(beaten, Ruling::Dropped(DropReason::Unfair { .. })), "{beaten:?}");
    let dropped = Ruling::Dropped(DropReason::LimitBroken {
        intent: unwanted,
        sold: WETH.to_string().parse().unwrap(),
        bought: 2_474_999_999_u64.into(),
        least: 2_475_000_000_u64.into(),
    });
    assert_eq!(decision.verdicts[2].ruling, dropped);

    let winner = house.intent(won).await;
    assert_eq!(winner.status, IntentStatus::Matched);
    assert_eq!(winner.auction_id.unwrap().get(), 1);
    let loser = house.intent(unwanted).await;
    assert_eq!(loser.status, IntentStatus::Open);
    assert_eq!(loser.auction_id.unwrap().get(), 2, "cut again at once");
    assert_eq!(house.kinds(won).await, ["opened", "cut", "won"]);
    assert_eq!(house.kinds(unwanted).await, ["opened", "cut", "not_won", "cut"]);
    let expected = ["auction.opened", "auction.closed", "auction.decided", "auction.opened"];
    assert_eq!(house.events().await, expected);

    let decision = "SELECT xmin::text AS tx FROM settlement
        UNION SELECT xmin::text FROM intent WHERE status = 'matched'
        UNION SELECT xmin::text FROM event WHERE kind = 'auction.decided'";
    assert_eq!(house.writers(decision).await, 1, "one transaction wrote the decision");
    let next = "SELECT xmin::text AS tx FROM auction WHERE id = 2
        UNION SELECT xmin::text FROM intent WHERE status = 'open'
        UNION SELECT xmin::text FROM timeline WHERE kind IN ('won', 'not_won')
        UNION SELECT xmin::text FROM event WHERE kind = 'auction.opened' AND body->>'auction_id' = '2'";
    assert_eq!(house.writers(next).await, 1, "the one after it all that follows, and the cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queued_batch_is_what_the_contract_reads_and_would_settle() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let (weth, usdc) = (house.stack.token("WETH"), house.stack.token("USDC"));
    let a = house.accept(0, &house.one_weth()).await;
    let partial = Order::sell(usdc, 2_500_000_000, weth, WETH * 99 / 100);
    let b = house.accept(1, &Order { partially_fillable: true, ..partial }).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(a, WETH, 2_490_000_000)])).await;
    house.submit(1, &house.bid(0, 1, &[(b, 1_250_000_000, WETH / 2)])).await;
    step(&mut market).await.unwrap();

    let mut conn = house.pool.acquire().await.unwrap();
    let queued = pg::settlement::of_auction(&mut conn, house.chain_id(), domain::AuctionId::new(1));
    let settlement = queued.await.unwrap().remove(0);
    assert_eq!(settlement.bids.len(), 2);
    let run = house.chain.simulate(settlement.batch, None, Default::default()).await.unwrap();
    let results = run.results.unwrap();
    let settled: Vec<_> = results.iter().map(|result| (result.bid, result.settled)).collect();
    let expected: Vec<_> = settlement.bids.iter().map(|bid| (bid.bid.get(), true)).collect();
    assert_eq!(settled, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auction_without_winners_is_public_at_once_and_tells_what_was_offered() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(intent, WETH, 1_000_000_000)])).await;
    step(&mut market).await.unwrap();
    house.published(1).await;
    assert_eq!(house.count("SELECT count(*) FROM settlement").await, 0);
    let events = house.events().await;
    let expected = ["auction.closed", "auction.decided", "auction.opened", "auction.published"];
    assert_eq!(events[1..], expected);
    let result = house.timeline(intent).await;
    let (_, detail) = result.iter().find(|(kind, _)| kind == "auction_result").unwrap();
    assert_eq!(detail["reason"], "all_dropped", "{detail}");
    assert_eq!(detail["codes"][0], "limit_broken", "{detail}");
    assert_eq!(detail["bids"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_came_too_late_is_applied_when_the_auction_lets_the_intent_go() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let owner = house.stack.owner(0).address();
    let mut tx = pg::begin(&house.pool).await.unwrap();
    let answer = pg::intent::cancel(&mut tx, house.chain_id(), owner, &[intent]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(answer[0], pg::intent::CancelOutcome::TooLate { .. }), "{answer:?}");
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    assert_eq!(house.intent(intent).await.status, IntentStatus::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_left_the_book_on_chain_wins_nothing() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let gone = house.accept(0, &house.one_weth()).await;
    let there = house.accept(1, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(gone, WETH, 2_490_000_000)])).await;
    house.submit(1, &house.bid(0, 1, &[(there, WETH, 2_480_000_000)])).await;
    // taken out of the book by something that the auction did not see
    let update = "UPDATE intent SET status = 'cancelled', auction_id = NULL WHERE id = $1";
    sqlx::query(update).bind(gone.as_bytes()).execute(&house.pool).await.unwrap();
    let error = step(&mut market).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    let auction = house.auction(1).await;
    let decision = auction.outcome.as_ref().unwrap().decision().unwrap();
    assert!(matches!(decision.verdicts[0].ruling, Ruling::Dropped(DropReason::LeftOut { .. })));
    assert_eq!(decision.winners.len(), 1);
    assert_eq!(house.intent(gone).await.status, IntentStatus::Cancelled);
    assert_eq!(house.intent(there).await.status, IntentStatus::Matched);
}

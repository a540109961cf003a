//! What fails on chain although it passed its simulation: the auction is decided once more over it, and
//! the intents go free if that comes to nothing. Market, worker and runner-up are driven by hand.

mod twice;

use alloy::primitives::U256;
use domain::{
    AuctionId, BidId,
    auction::{Grounds, RUNNER_UP_BLOCKS, RunnerUp},
    event::Fault,
    status::{AuctionStatus, IntentStatus as I, SettlementStatus as S},
};
use infra::{
    chain::abi::{self, SolCall as _},
    pg::{self, settlement::Phase},
};
use settlement::Progress;
use tests::rpc::calldata;

use super::{
    floor::{FAIR, Floor, WETH, house},
    house::{concluded, opened, step},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_next_best_bid_fills_what_the_winners_filler_could_not_pay_any_more() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0, 1], true).await;
    let before = [floor.usdc(0).await, floor.usdc(1).await];
    let first = floor.reveal(1).await;

    let results = floor.row(first.id).await.results.unwrap();
    let failed = results.iter().position(|result| result.failure.is_some()).unwrap();
    assert_eq!(results[failed].failure.unwrap().fault, Fault::Solver);
    assert!(results[1 - failed].failure.is_none(), "the other bid settled");
    let of = |bid: BidId| bids.iter().position(|(_, bids)| floor.id(&bids[0]) == bid).unwrap();
    let (lost, kept) = (of(results[failed].bid), of(results[1 - failed].bid));
    let intent = bids[lost].0;

    // it waits for the second attempt: in no cut, its owner's money spoken for, its rivals sealed
    assert_eq!(
        (floor.status(intent).await, floor.status(bids[kept].0).await),
        (I::Matched, I::Filled)
    );
    assert_eq!(step(&mut floor.market).await.unwrap(), auction::Step::Idle);
    assert_eq!(floor.in_flight().await, U256::from(WETH));
    assert_eq!(floor.house.auction(1).await.status, AuctionStatus::Decided);

    floor.second.step().await.unwrap();
    let rows = floor.attempts().await;
    assert_eq!((rows.len(), rows[1].attempt, rows[1].status), (2, 2, S::Planned));
    assert!(!rows[0].runner_up_due);
    let next = floor.id(&bids[lost].1[1]);
    assert_eq!(rows[1].bids.iter().map(|bid| bid.bid).collect::<Vec<_>>(), [next]);
    assert_eq!(rows[0].batch[1..9], rows[1].batch[1..9], "the same auction");
    assert_eq!(rows[0].batch[10..78], rows[1].batch[10..78], "under the same hash, root and count");
    assert_eq!(floor.in_flight().await, U256::from(WETH), "once, not twice");
    floor.second.step().await.unwrap();
    assert_eq!(floor.attempts().await.len(), 2, "there is no third attempt");

    let RunnerUp { grounds, simulation, decision } =
        floor.house.auction(1).await.runner_up.unwrap();
    let Grounds { endings, block, reveal, intents, .. } = grounds;
    assert!(block.number >= reveal.block.number && simulation.unwrap().complete);
    assert_eq!(
        endings.iter().map(|end| end.fault.is_some()).collect::<Vec<_>>(),
        [failed == 0, failed == 1]
    );
    assert_eq!((intents.len(), intents[0].id, decision.winners), (1, intent, vec![next]));

    let second = floor.lease(Phase::Sending).await;
    floor.step_until(second, S::Revealed).await;
    assert_eq!(floor.status(intent).await, I::Filled);
    assert_eq!(floor.usdc(lost).await - before[lost], U256::from(FAIR));
    floor.house.published(1).await;
    let told = ["opened", "cut", "won", "committed", "fill_failed", "won", "committed", "filled"];
    assert_eq!(floor.house.kinds(intent).await[..told.len()], told);
    let events = floor.house.events().await;
    assert_eq!(events.iter().filter(|kind| *kind == "auction.decided").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_another_bid_the_intent_is_free_at_once() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0], false).await;
    floor.reveal(0).await;
    assert_eq!(floor.status(bids[0].0).await, I::Matched);
    floor.second.step().await.unwrap();
    assert_eq!(floor.status(bids[0].0).await, I::Open);
    assert_eq!(floor.attempts().await.len(), 1);
    assert_eq!(floor.house.published(1).await.runner_up, None);
    assert_eq!(step(&mut floor.market).await.unwrap(), opened(2), "and is cut again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_up_that_does_not_settle_when_it_is_run_is_none_and_the_record_says_so() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0], true).await;
    floor.reveal(0).await;
    // what the second solver counted on is gone as well
    let (rpc, usdc) = (floor.rpc().await, floor.house.stack.token("USDC"));
    let filler = floor.house.stack.market.solvers[1].filler;
    let there = rpc.token_balance(usdc, filler).await.unwrap();
    let to = floor.house.stack.owner(3).address().into_word();
    rpc.set_balance(filler, WETH).await.unwrap();
    let data = calldata("transfer(address,uint256)", &[to, there.into()]);
    rpc.send_as(filler, usdc, data).await.unwrap();
    floor.second.step().await.unwrap();
    assert_eq!(floor.status(bids[0].0).await, I::Open);
    let runner_up = floor.house.published(1).await.runner_up.unwrap();
    assert!(runner_up.decision.winners.is_empty());
    let drops = runner_up.simulation.unwrap().drops;
    assert_eq!((drops.len(), drops[0].bid), (1, floor.id(&bids[0].1[1])));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_asks_for_its_intent_back_meanwhile_gets_it() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0], true).await;
    floor.reveal(0).await;
    let owner = floor.house.stack.owner(0).address();
    let mut tx = pg::begin(&floor.house.pool).await.unwrap();
    let asked = pg::intent::cancel(&mut tx, floor.house.chain_id(), owner, &[bids[0].0]).await;
    tx.commit().await.unwrap();
    assert!(matches!(asked.unwrap()[0], pg::intent::CancelOutcome::TooLate { .. }));
    floor.second.step().await.unwrap();
    assert_eq!(floor.status(bids[0].0).await, I::Cancelled);
    let runner_up = floor.house.published(1).await.runner_up.unwrap();
    assert!(
        runner_up.decision.winners.is_empty() && runner_up.grounds.intents[0].fundable.is_zero()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_longer_for_a_second_attempt_than_its_blocks() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0], true).await;
    let first = floor.reveal(0).await;
    let rpc = floor.rpc().await;
    rpc.mine(RUNNER_UP_BLOCKS).await.unwrap();
    assert_eq!(floor.worker.step(first).await.unwrap(), Progress::Waiting);
    assert_eq!(floor.status(bids[0].0).await, I::Matched);
    rpc.mine(1).await.unwrap();
    assert_eq!(floor.worker.step(first).await.unwrap(), Progress::Moved);
    assert_eq!(floor.status(bids[0].0).await, I::Open);
    floor.house.published(1).await;
    floor.second.step().await.unwrap();
    assert_eq!(floor.attempts().await.len(), 1, "it comes too late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attempt_goes_with_the_reveal_it_rests_on_and_comes_back_with_it() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0], true).await;
    let first = floor.reveal(0).await;
    floor.second.step().await.unwrap();
    assert_eq!(floor.attempts().await.len(), 2);
    floor.rpc().await.reorg(1).await.unwrap();
    floor.step_until(first, S::RevealSent).await;
    assert_eq!(floor.attempts().await.len(), 1, "nothing of it had left the house");
    assert_eq!(floor.house.auction(1).await.runner_up, None);
    assert_eq!(floor.status(bids[0].0).await, I::Committed, "as before the reveal");

    floor.step_until(first, S::Revealed).await;
    assert_eq!(floor.status(bids[0].0).await, I::Matched);
    floor.second.step().await.unwrap();
    let second = floor.lease(Phase::Sending).await;
    floor.step_until(second, S::Revealed).await;
    assert_eq!(floor.status(bids[0].0).await, I::Filled);
    floor.house.published(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attempt_on_its_way_survives_a_reorg_of_the_first_and_fills_once() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0], true).await;
    let before = floor.usdc(0).await;
    let first = floor.reveal(0).await;
    floor.second.step().await.unwrap();
    let second = floor.lease(Phase::Sending).await;
    floor.step_until(second, S::Committed).await;
    // the reveal of the one, the commit of the other
    floor.rpc().await.reorg(2).await.unwrap();
    floor.step_until(first, S::RevealSent).await;
    assert_eq!(floor.attempts().await.len(), 2, "its commitment may be in a block again");
    for _ in 0..12 {
        for lease in [first, second] {
            floor.worker.step(lease).await.unwrap();
        }
    }
    let rows = floor.attempts().await;
    assert_eq!((rows[0].status, rows[1].status), (S::Revealed, S::Revealed));
    assert!(!rows[0].runner_up_due, "its second attempt has what failed");
    assert_eq!(floor.status(bids[0].0).await, I::Filled);
    assert_eq!(floor.usdc(0).await - before, U256::from(FAIR));
    floor.house.published(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_auction_waits_for_the_second_decision_of_another() {
    let patient = [
        ("auction.simulation_ms", "60000"),
        ("chain.rpc_timeout_ms", "20000"),
        ("settlement.lease_ms", "60000"),
    ];
    let mut house = house(&patient).await;
    let gate = house.gate().await;
    let mut floor = Floor::open_in(house).await;
    let bids = floor.auction(&[0], true).await;
    floor.reveal(0).await;
    let (intent, [_, next]) = &bids[0];
    let mark = alloy::hex::encode(&next.signature.to_rsv()[..32]);
    gate.hold_all(&[&mark, &alloy::hex::encode(abi::simulateCall::SELECTOR)]);
    let second = floor.second.clone();
    let deciding = tokio::spawn(async move { second.step().await });
    gate.came(1).await;

    let other = floor.house.accept(1, &floor.house.one_weth()).await;
    assert_eq!(step(&mut floor.market).await.unwrap(), opened(2));
    floor.house.submit(2, &floor.house.bid(1, 2, &[(other, WETH, FAIR)])).await;
    assert_eq!(step(&mut floor.market).await.unwrap(), concluded(2, None));
    let cut = floor.house.auction(2).await.opening;
    assert_eq!(cut.intents.iter().map(|entry| entry.id).collect::<Vec<_>>(), [other]);
    assert_eq!((floor.status(other).await, floor.status(*intent).await), (I::Matched, I::Matched));
    assert_eq!(floor.attempts().await.len(), 1);

    gate.release();
    deciding.await.unwrap().unwrap();
    assert_eq!(floor.attempts().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leads_no_more_decides_nothing() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0], true).await;
    floor.reveal(0).await;
    let _successor = floor.house.lead().await;
    let error = floor.second.step().await.unwrap_err();
    assert!(error.fenced(), "{error}");
    assert_eq!((floor.attempts().await.len(), floor.status(bids[0].0).await), (1, I::Matched));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attempt_on_its_way_keeps_its_intents_when_the_first_one_ends_unrevealed() {
    let mut floor = Floor::open().await;
    let bids = floor.auction(&[0], true).await;
    let first = floor.reveal(0).await;
    floor.second.step().await.unwrap();
    let second = floor.lease(Phase::Sending).await;
    floor.step_until(second, S::Committed).await;
    let rpc = floor.rpc().await;
    rpc.reorg(2).await.unwrap();
    floor.step_until(first, S::RevealSent).await;
    // older than any commitment may be
    rpc.mine(65).await.unwrap();
    floor.step_until(first, S::Expired).await;
    let intent = floor.house.intent(bids[0].0).await;
    assert_eq!((intent.status, intent.auction_id), (I::Committed, Some(AuctionId::new(1))));
    floor.step_until(second, S::Revealed).await;
    assert_eq!(floor.status(bids[0].0).await, I::Filled);
    floor.house.published(1).await;
}

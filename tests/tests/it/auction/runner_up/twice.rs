//! A first attempt that failed, and succeeds after a reorg while a second one is under way.

use domain::IntentId;
use infra::pg::settlement::RowLease;
use serde_json::json;
use tests::orders::Order;

use super::*;

/// More than half: both bids cannot win together.
const PART: u128 = WETH * 3 / 5;

impl Floor {
    /// Auction 1 over an intent that may be filled in parts, or not, with a bid of each solver on
    /// so much of it; the first attempt has failed, the second one is committed to.
    async fn second_under_way(&mut self, parts: bool, sold: u128) -> (IntentId, [RowLease; 2]) {
        let order = Order { partially_fillable: parts, ..self.house.one_weth() };
        let intent = self.house.accept(0, &order).await;
        assert_eq!(step(&mut self.market).await.unwrap(), opened(1));
        for (solver, price) in [(0, FAIR + 5_000_000), (1, FAIR)] {
            let bid = self.house.bid(solver, 1, &[(intent, sold, sold * price / WETH)]);
            self.house.submit(1, &bid).await;
        }
        assert_eq!(step(&mut self.market).await.unwrap(), concluded(1, None));
        let first = self.reveal(0).await;
        self.second.step().await.unwrap();
        let second = self.lease(Phase::Sending).await;
        self.step_until(second, S::Committed).await;
        (intent, [first, second])
    }

    /// Takes back the commit of the second, the reveal of the first, and what made that fail; it
    /// settles then.
    async fn first_settles_after_all(&self, first: RowLease) {
        self.rpc().await.reorg(3).await.unwrap();
        self.step_until(first, S::RevealSent).await;
        self.step_until(first, S::Revealed).await;
        assert!(self.row(first.id).await.results.unwrap()[0].failure.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_the_first_attempt_fills_after_all_leaves_the_intent_to_the_second() {
    let mut floor = Floor::open().await;
    let (intent, [first, second]) = floor.second_under_way(true, PART).await;
    floor.first_settles_after_all(first).await;
    let kept = floor.house.intent(intent).await;
    assert_eq!((kept.filled.get(), kept.auction_id), (U256::from(PART), Some(AuctionId::new(1))));
    assert!(kept.status.in_flight(), "{}", kept.status);
    // and back, and forward
    floor.rpc().await.reorg(1).await.unwrap();
    floor.step_until(first, S::RevealSent).await;
    let kept = floor.house.intent(intent).await;
    assert!(kept.filled.is_zero() && kept.status.in_flight(), "{}", kept.status);
    floor.step_until(first, S::Revealed).await;

    floor.step_until(second, S::Planned).await;
    assert_eq!(floor.status(intent).await, I::Matched, "no cut takes it");
    floor.step_until(second, S::Committed).await;
    assert_eq!(floor.status(intent).await, I::Committed);
    // too little is left for the second bid
    floor.step_until(second, S::Revealed).await;
    assert!(floor.row(second.id).await.results.unwrap()[0].failure.is_some());
    let free = floor.house.intent(intent).await;
    assert_eq!((free.status, free.filled.get()), (I::Open, U256::from(PART)));
    floor.house.published(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_attempt_has_its_intents_again_once_the_second_one_is_given_up() {
    let mut floor = Floor::open().await;
    let (intent, [first, second]) = floor.second_under_way(false, WETH).await;
    floor.first_settles_after_all(first).await;
    assert_eq!(floor.status(intent).await, I::Filled);
    // no bid of the second one is good for long enough
    floor.step_until(second, S::Planned).await;
    let rpc = floor.rpc().await;
    rpc.call("evm_increaseTime", json!([3_600])).await.unwrap();
    rpc.mine(1).await.unwrap();
    floor.step_until(second, S::Failed).await;
    assert_eq!(floor.status(intent).await, I::Filled);

    rpc.reorg(2).await.unwrap();
    floor.step_until(first, S::RevealSent).await;
    let held = floor.house.intent(intent).await;
    assert_eq!((held.status, held.auction_id), (I::Committed, Some(AuctionId::new(1))));
    let commit = floor.house.stack.rpc().unwrap();
    let evidence = held.evidence.expect("the first commitment");
    let receipt = commit.call("eth_getTransactionReceipt", json!([evidence.tx])).await.unwrap();
    assert_eq!(receipt["blockHash"], json!(evidence.block.hash));
    // older than any commitment may be
    rpc.mine(65).await.unwrap();
    floor.step_until(first, S::Expired).await;
    let free = floor.status(intent).await;
    assert!(matches!(free, I::Open | I::Expired), "{free}");
    floor.house.published(1).await;
}

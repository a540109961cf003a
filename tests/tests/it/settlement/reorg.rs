//! Blocks that are taken back.

use alloy::primitives::{Bytes, U256};
use domain::{
    Amount,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::settlement::{Phase, RowLease};
use serde_json::json;
use settlement::Worker;

use super::scene::{Scene, Swap, WETH};

/// A batch of one swap in the hands of a worker.
struct Alone {
    scene: Scene,
    swap: Swap,
    worker: Worker,
    lease: RowLease,
    before: U256,
}

impl Alone {
    /// As far as `status`.
    async fn at(status: S) -> Self {
        let scene = Scene::start(64).await;
        let swap = scene.swap(0, WETH);
        let before = scene.usdc(0).await;
        scene.queue(1, &[&swap]).await;
        let worker = scene.worker();
        let lease = scene.lease(&worker).await;
        let alone = Self { scene, swap, worker, lease, before };
        alone.until(status).await;
        alone
    }

    async fn until(&self, status: S) {
        self.scene.step_until(&self.worker, self.lease, status).await;
    }

    /// The row and its intent stand here, and all of it is filled and paid for, or nothing.
    async fn stands(&self, row: S, intent: I) {
        let Self { scene, swap, .. } = self;
        assert_eq!(scene.row(self.lease.id).await.status, row);
        assert_eq!(scene.stands(swap).await, intent);
        let (filled, bought) = match intent {
            I::Filled => (swap.sell_amount(), swap.bought),
            _ => (Amount::ZERO, U256::ZERO),
        };
        assert_eq!(scene.intent(swap).await.filled, filled);
        assert_eq!(scene.usdc(0).await - self.before, bought);
    }

    /// Others kept these transactions of ours and send them.
    async fn brought_back(&self, raw: &[Bytes]) {
        for raw in raw {
            self.scene.rpc("eth_sendRawTransaction", json!([raw])).await;
        }
    }
}

#[tokio::test]
async fn a_commit_lost_in_a_reorg_is_sent_again() {
    let alone = Alone::at(S::Committed).await;
    let scene = &alone.scene;
    scene.rpc.reorg(1).await.unwrap();
    alone.until(S::Planned).await;
    alone.stands(S::Planned, I::Matched).await;
    alone.until(S::Committed).await;
    alone.stands(S::Committed, I::Committed).await;
    alone.until(S::Revealed).await;
    alone.stands(S::Revealed, I::Filled).await;
    assert_eq!(scene.lanes().await, [0], "the batch was still secret: the same commitment serves");
    assert_eq!(scene.told("settlement.reorged").await, 1);
}

#[tokio::test]
async fn a_reveal_lost_in_a_reorg_is_walked_back_and_filled_once_more() {
    let alone = Alone::at(S::Revealed).await;
    let scene = &alone.scene;
    alone.stands(S::Revealed, I::Filled).await;
    scene.rpc.reorg(1).await.unwrap();
    alone.until(S::RevealSent).await;
    alone.stands(S::RevealSent, I::Committed).await;
    assert_eq!(scene.told("settlement.reorged").await, 1);
    alone.until(S::Revealed).await;
    alone.stands(S::Revealed, I::Filled).await;
    scene.rpc.mine(4).await.unwrap();
    alone.until(S::Final).await;
}

#[tokio::test]
async fn commit_and_reveal_lost_together_are_planned_again_with_a_new_salt() {
    let alone = Alone::at(S::Revealed).await;
    let scene = &alone.scene;
    scene.rpc.reorg(2).await.unwrap();
    alone.until(S::Planned).await;
    alone.stands(S::Planned, I::Matched).await;
    assert_eq!(scene.told("settlement.reorged").await, 2, "the reveal's block and the commit's");
    alone.until(S::Revealed).await;
    alone.stands(S::Revealed, I::Filled).await;
    assert_eq!(scene.lanes().await.len(), 2, "the batch had been public: another commitment");
    // the lost transactions' nonces were used again, so nothing waits behind a gap
    let nonces: Vec<(i64, i16)> = scene.attempts().await.into_iter().map(|a| (a.1, a.2)).collect();
    assert_eq!(nonces, [(0, 0), (1, 0), (0, 1), (1, 1)]);
}

#[tokio::test]
async fn a_batch_that_others_brought_back_after_a_reorg_is_recognised() {
    let alone = Alone::at(S::Revealed).await;
    let scene = &alone.scene;
    scene.rpc.reorg(2).await.unwrap();
    // mined again, in other blocks
    alone.brought_back(&scene.raw_transactions().await).await;
    alone.until(S::Planned).await;
    alone.until(S::Revealed).await;
    alone.stands(S::Revealed, I::Filled).await;
    let fates: Vec<String> = scene.attempts().await.into_iter().map(|a| a.3).collect();
    assert_eq!(fates, ["mined", "mined"], "nothing more was sent");
}

#[tokio::test]
async fn a_reveal_that_is_mined_in_another_block_is_walked_back_and_forward() {
    let alone = Alone::at(S::Revealed).await;
    let scene = &alone.scene;
    let first = scene.intent(&alone.swap).await.evidence.unwrap();
    scene.rpc.reorg(1).await.unwrap();
    alone.brought_back(&scene.raw_transactions().await[1..]).await;
    alone.worker.step(alone.lease).await.unwrap();
    assert_eq!(scene.row(alone.lease.id).await.status, S::RevealSent);
    assert_eq!(scene.stands(&alone.swap).await, I::Committed);
    alone.until(S::Revealed).await;
    alone.stands(S::Revealed, I::Filled).await;
    let second = scene.intent(&alone.swap).await.evidence.unwrap();
    assert!(first.tx == second.tx && first.block != second.block);
    assert_eq!(scene.attempts().await.len(), 2, "nothing was sent anew");
    assert_eq!(scene.told("settlement.reorged").await, 1);
    assert_eq!(scene.told("settlement.revealed").await, 2);
}

#[tokio::test]
async fn a_deep_reorg_inside_the_finality_window_takes_a_fill_back_and_brings_it_again() {
    let alone = Alone::at(S::Revealed).await;
    let scene = &alone.scene;
    // three blocks on the reveal: one less than it takes to be final
    scene.rpc.mine(3).await.unwrap();
    alone.worker.step(alone.lease).await.unwrap();
    alone.stands(S::Revealed, I::Filled).await;
    scene.rpc.reorg(5).await.unwrap();
    alone.until(S::Planned).await;
    alone.stands(S::Planned, I::Matched).await;
    alone.until(S::Committed).await;
    alone.stands(S::Committed, I::Committed).await;
    alone.until(S::Revealed).await;
    alone.stands(S::Revealed, I::Filled).await;
    assert_eq!(scene.salts().await.len(), 2, "the first batch had been public");
    scene.rpc.mine(4).await.unwrap();
    alone.until(S::Final).await;
}

#[tokio::test]
async fn a_commit_lost_after_its_reveal_left_the_house_is_made_again_with_a_new_salt() {
    let alone = Alone::at(S::Committed).await;
    let scene = &alone.scene;
    scene.rpc("evm_setAutomine", json!([false])).await;
    alone.until(S::RevealSent).await;
    scene.rpc.reorg(1).await.unwrap();
    alone.until(S::Planned).await;
    alone.stands(S::Planned, I::Matched).await;
    scene.rpc("evm_setAutomine", json!([true])).await;
    alone.until(S::Revealed).await;
    alone.stands(S::Revealed, I::Filled).await;
    assert_eq!(scene.salts().await.len(), 2);
    assert_eq!(scene.told("settlement.reorged").await, 1);
}

/// A row whose commitment outlived its age with the reveal written and never mined; the raw reveal.
async fn outlived(scene: &Scene, swap: &Swap) -> Bytes {
    scene.queue(1, &[swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    scene.step_until(&worker, lease, S::RevealSent).await;
    scene.rpc("anvil_dropAllTransactions", json!([])).await;
    scene.rpc.mine(5).await.unwrap();
    scene.rpc("evm_setAutomine", json!([true])).await;
    worker.step(lease).await.unwrap();
    assert_eq!(scene.row(lease.id).await.status, S::RevealSent, "too late, but not for certain");
    scene.rpc.mine(1).await.unwrap();
    scene.step_until(&worker, lease, S::Expired).await;
    assert_eq!(scene.stands(swap).await, I::Open);
    worker.release(lease).await;
    scene.raw_transactions().await.pop().unwrap()
}

#[tokio::test]
async fn a_reveal_that_a_reorg_brings_back_after_its_settlement_expired_still_counts() {
    let scene = Scene::start(5).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    let reveal = outlived(&scene, &swap).await;
    let worker = scene.worker();
    let watching = Phase::Watching { reveal_s: 0 };
    let lease = worker.claim(watching, 8).await.unwrap()[0];
    worker.step(lease).await.unwrap();
    assert_eq!(scene.row(lease.id).await.status, S::Expired);
    scene.rpc("anvil_reorg", json!([6, [[reveal, 1]]])).await;
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    assert_eq!(scene.told("intent.filled").await, 1);
    // and back, and forward, as any other
    scene.rpc.reorg(6).await.unwrap();
    scene.step_until(&worker, lease, S::RevealSent).await;
    assert_eq!(scene.stands(&swap).await, I::Committed);
    scene.step_until(&worker, lease, S::Expired).await;
    assert_eq!(scene.stands(&swap).await, I::Open);
    // until no block can bring it back
    scene.rpc.mine(12).await.unwrap();
    worker.step(lease).await.unwrap();
    worker.release(lease).await;
    assert!(worker.claim(watching, 8).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_intent_that_was_matched_again_is_the_auctions_whose_reveal_came_back() {
    let scene = Scene::start(5).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    let reveal = outlived(&scene, &swap).await;
    let second = scene.queue_again(2, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    assert_eq!(lease.id, second);
    scene.step_until(&worker, lease, S::Committed).await;
    assert_eq!(scene.stands(&swap).await, I::Committed);
    scene.rpc("anvil_reorg", json!([7, [[reveal, 1]]])).await;

    let watched = worker.claim(Phase::Watching { reveal_s: 0 }, 8).await.unwrap()[0];
    scene.step_until(&worker, watched, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    let auction = |intent: infra::pg::intent::StoredIntent| intent.auction_id.map(|id| id.get());
    assert_eq!(auction(scene.intent(&swap).await), Some(1));
    // the second settlement loses its commit, makes it again, and fails on chain
    scene.step_until(&worker, lease, S::Planned).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    assert_eq!(auction(scene.intent(&swap).await), Some(1));
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    assert!(scene.row(second).await.results.unwrap()[0].failure.is_some());
}

#[tokio::test]
async fn a_reveal_that_was_refused_and_succeeds_after_a_reorg_still_counts() {
    let alone = Alone::at(S::Committed).await;
    let Alone { scene, worker, .. } = &alone;
    scene.close_lane(0).await;
    alone.until(S::Failed).await;
    worker.release(alone.lease).await;
    alone.stands(S::Failed, I::Open).await;
    let reveal = scene.raw_transactions().await.pop().unwrap();
    scene.rpc("anvil_reorg", json!([2, [[reveal, 0]]])).await;
    let lease = worker.claim(Phase::Watching { reveal_s: 0 }, 8).await.unwrap()[0];
    scene.step_until(worker, lease, S::Revealed).await;
    alone.stands(S::Revealed, I::Filled).await;
}

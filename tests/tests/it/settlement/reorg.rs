//! Blocks that are taken back.

use domain::status::{IntentStatus as I, SettlementStatus as S};

use infra::pg::settlement::Phase;
use serde_json::json;

use super::scene::{Scene, Swap, WETH};

#[tokio::test]
async fn a_commit_lost_in_a_reorg_is_sent_again() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let id = scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    scene.rpc.reorg(1).await.unwrap();
    scene.step_until(&worker, lease, S::Planned).await;
    assert_eq!(scene.stands(&swap).await, I::Matched);
    scene.step_until(&worker, lease, S::Committed).await;
    assert_eq!(scene.stands(&swap).await, I::Committed);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    assert_eq!(scene.lanes().await, [0], "the batch was still secret: the same commitment serves");
    let told = scene.events().await;
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert!(kinds.contains(&"settlement.reorged"), "{kinds:?}");
    assert_eq!(scene.row(id).await.status, S::Revealed);
}

#[tokio::test]
async fn a_reveal_lost_in_a_reorg_is_walked_back_and_filled_once_more() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    scene.rpc.reorg(1).await.unwrap();
    assert_eq!(scene.usdc(0).await, before);
    scene.step_until(&worker, lease, S::RevealSent).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled.is_zero()), (I::Committed, true));
    assert_eq!(scene.stands(&swap).await, I::Committed);
    assert_eq!(scene.told("settlement.reorged").await, 1);
    scene.step_until(&worker, lease, S::Revealed).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    scene.rpc.mine(4).await.unwrap();
    scene.step_until(&worker, lease, S::Final).await;
}

#[tokio::test]
async fn commit_and_reveal_lost_together_are_planned_again_with_a_new_salt() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    scene.rpc.reorg(2).await.unwrap();
    scene.step_until(&worker, lease, S::Planned).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled.is_zero()), (I::Matched, true));
    assert_eq!(scene.stands(&swap).await, I::Matched);
    assert_eq!(scene.told("settlement.reorged").await, 2, "the reveal's block and the commit's");
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    assert_eq!(scene.lanes().await.len(), 2, "the batch had been public: another commitment");
    // the lost transactions' nonces were used again, so nothing waits behind a gap
    let nonces: Vec<(i64, i16)> = scene.attempts().await.into_iter().map(|a| (a.1, a.2)).collect();
    assert_eq!(nonces, [(0, 0), (1, 0), (0, 1), (1, 1)]);
}

#[tokio::test]
async fn a_batch_that_others_brought_back_after_a_reorg_is_recognised() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    scene.rpc.reorg(2).await.unwrap();
    // another node kept our transactions and they are mined again, in other blocks
    for raw in scene.raw_transactions().await {
        scene.rpc("eth_sendRawTransaction", serde_json::json!([raw])).await;
    }
    scene.step_until(&worker, lease, S::Planned).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    let fates: Vec<String> = scene.attempts().await.into_iter().map(|a| a.3).collect();
    assert_eq!(fates, ["mined", "mined"], "nothing more was sent");
}

#[tokio::test]
async fn a_reveal_that_is_mined_in_another_block_is_walked_back_and_forward() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    let first = scene.intent(&swap).await.evidence.unwrap();
    scene.rpc.reorg(1).await.unwrap();
    let reveal = scene.raw_transactions().await.pop().unwrap();
    scene.rpc("eth_sendRawTransaction", json!([reveal])).await;
    worker.step(lease).await.unwrap();
    assert_eq!(scene.row(lease.id).await.status, S::RevealSent);
    assert_eq!(scene.stands(&swap).await, I::Committed);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    let second = scene.intent(&swap).await.evidence.unwrap();
    assert!(first.tx == second.tx && first.block != second.block);
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    assert_eq!(scene.attempts().await.len(), 2, "nothing was sent anew");
    assert_eq!(scene.told("settlement.reorged").await, 1);
    assert_eq!(scene.told("settlement.revealed").await, 2);
}

#[tokio::test]
async fn a_deep_reorg_inside_the_finality_window_takes_a_fill_back_and_brings_it_again() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    // three blocks on the reveal: one less than it takes to be final
    scene.rpc.mine(3).await.unwrap();
    worker.step(lease).await.unwrap();
    assert_eq!(scene.row(lease.id).await.status, S::Revealed);
    scene.rpc.reorg(5).await.unwrap();
    scene.step_until(&worker, lease, S::Planned).await;
    assert_eq!(scene.stands(&swap).await, I::Matched);
    assert_eq!(scene.usdc(0).await, before);
    scene.step_until(&worker, lease, S::Committed).await;
    assert_eq!(scene.stands(&swap).await, I::Committed);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    assert_eq!(scene.salts().await.len(), 2, "the first batch had been public");
    scene.rpc.mine(4).await.unwrap();
    scene.step_until(&worker, lease, S::Final).await;
}

#[tokio::test]
async fn a_commit_lost_after_its_reveal_left_the_house_is_made_again_with_a_new_salt() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    scene.step_until(&worker, lease, S::RevealSent).await;
    scene.rpc.reorg(1).await.unwrap();
    scene.step_until(&worker, lease, S::Planned).await;
    assert_eq!(scene.stands(&swap).await, I::Matched);
    scene.rpc("evm_setAutomine", json!([true])).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    assert_eq!(scene.salts().await.len(), 2);
    assert_eq!(scene.told("settlement.reorged").await, 1);
}

/// A row whose commitment outlived its age with the reveal written and never mined; the raw reveal.
async fn outlived(scene: &Scene, swap: &Swap) -> alloy::primitives::Bytes {
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
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    scene.close_lane(0).await;
    scene.step_until(&worker, lease, S::Failed).await;
    worker.release(lease).await;
    assert_eq!(scene.stands(&swap).await, I::Open);
    let reveal = scene.raw_transactions().await.pop().unwrap();
    scene.rpc("anvil_reorg", json!([2, [[reveal, 0]]])).await;
    let lease = worker.claim(Phase::Watching { reveal_s: 0 }, 8).await.unwrap()[0];
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    assert_eq!(scene.usdc(0).await - before, swap.bought);
}

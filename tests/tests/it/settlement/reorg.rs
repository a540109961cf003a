//! Blocks that are taken back.

use domain::status::{IntentStatus as I, SettlementStatus as S};

use super::scene::{Scene, WETH};

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
    assert_eq!(scene.intent(&swap).await.status, I::Matched);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
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

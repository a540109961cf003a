//! The settlement worker on a real node and a real database, driven by hand, one step at a time.

mod backlog;
mod charges;
mod faults;
mod histories;
mod index;
mod keys;
mod kills;
mod private;
mod proxy;
mod recovery;
mod reorg;
mod scene;
mod strikes;

use domain::{
    AuctionId,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::settlement::Phase;
use scene::{Scene, Swap, WETH};
use settlement::{Progress, StartError, Unfit};

#[tokio::test]
async fn a_batch_is_committed_and_revealed_and_each_bid_meets_its_own_fate() {
    let scene = Scene::start(64).await;
    let good = scene.swap(0, WETH);
    // more than the owner has: the frame of this bid fails, the other one settles
    let short = scene.swap(1, 5_000 * WETH);
    let before = scene.usdc(0).await;
    let id = scene.queue(1, &[&good, &short]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;

    scene.step_until(&worker, lease, S::Committed).await;
    for swap in [&good, &short] {
        let intent = scene.intent(swap).await;
        assert_eq!(intent.status, I::Committed);
        assert!(intent.evidence.is_some(), "committed only with evidence");
    }
    scene.step_until(&worker, lease, S::Revealed).await;

    let intent = scene.intent(&good).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, good.sell_amount()));
    assert_eq!(scene.usdc(0).await - before, good.bought);
    let failed = scene.intent(&short).await;
    assert_eq!((failed.status, failed.auction_id), (I::Open, None));
    let told = scene.events().await;
    for kind in ["settlement.committed", "settlement.revealed", "auction.published"] {
        assert_eq!(told.iter().filter(|(k, _)| k == kind).count(), 1, "{kind} in {told:?}");
    }
    let (_, filled) = told.iter().find(|(kind, _)| kind == "intent.filled").unwrap();
    assert_eq!(filled["complete"], true);
    let (_, failed) = told.iter().find(|(kind, _)| kind == "intent.fill_failed").unwrap();
    assert_eq!(failed["fault"], "owner");
    assert_eq!(scene.lines(&good).await, ["committed", "filled"]);
    assert_eq!(scene.lines(&short).await, ["committed", "fill_failed", "reopened"]);

    assert_eq!(worker.step(lease).await.unwrap(), Progress::Waiting, "not final yet");
    scene.rpc.mine(4).await.unwrap();
    scene.step_until(&worker, lease, S::Final).await;
    assert_eq!(scene.row(id).await.results.unwrap().len(), 2);
}

#[tokio::test]
async fn a_cancellation_that_came_too_late_is_applied_when_the_fill_fails() {
    let scene = Scene::start(64).await;
    let short = scene.swap(0, 5_000 * WETH);
    scene.queue(1, &[&short]).await;
    scene.sql("UPDATE intent SET cancel_requested = true").await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&short).await.status, I::Cancelled);
    assert!(scene.events().await.iter().any(|(kind, _)| kind == "intent.cancelled"));
}

#[tokio::test]
async fn settlements_use_a_lane_one_after_the_other_and_several_lanes_at_once() {
    let scene = Scene::start(64).await;
    let swaps = [scene.swap(0, WETH), scene.swap(1, WETH), scene.swap(2, WETH)];
    for (n, swap) in (1..).zip(&swaps) {
        scene.queue(n, &[swap]).await;
    }
    let worker = scene.worker_with(|settings| settings.lanes = 2);
    let leases = worker.claim(Phase::Sending, 3).await.unwrap();
    for lease in &leases[..2] {
        scene.step_until(&worker, *lease, S::Committed).await;
    }
    let full = worker.step(leases[2]).await.unwrap_err();
    assert!(matches!(full, settlement::SettlementError::NoFreeLane) && full.retryable());
    scene.step_until(&worker, leases[0], S::Revealed).await;
    scene.step_until(&worker, leases[2], S::Revealed).await;
    scene.step_until(&worker, leases[1], S::Revealed).await;
    assert_eq!(scene.lanes().await, [0, 1, 0]);
    for swap in &swaps {
        assert_eq!(scene.intent(swap).await.status, I::Filled);
    }
}

#[tokio::test]
async fn a_commitment_that_outlives_its_age_frees_its_intents() {
    let scene = Scene::start(5).await;
    let swap = scene.swap(0, WETH);
    let id = scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    scene.rpc.mine(6).await.unwrap();
    scene.step_until(&worker, lease, S::Expired).await;
    assert_eq!(scene.row(id).await.reason.as_deref(), Some("commitment_outlived"));
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.auction_id), (I::Open, None));
    let told = scene.events().await;
    assert!(told.iter().any(|(kind, _)| kind == "settlement.expired"));
    assert!(told.iter().any(|(kind, _)| kind == "auction.published"));

    // the lane is free again, for this intent too
    scene.sql("UPDATE intent SET status = 'matched', auction_id = 2").await;
    let again = scene.queue_again(2, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.row(again).await.status, S::Revealed);
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
}

#[tokio::test]
async fn a_settler_without_a_lane_or_without_money_is_refused_at_the_start() {
    let scene = Scene::start(64).await;
    let (settings, node) = (scene.settings, scene.node());
    let start = |keys: Vec<scene::Key>| {
        let (pool, node) = (scene.pool.clone(), node.clone());
        async move { settlement::start(&pool, &node, &keys, settings).await }
    };
    let (ours, stranger) = (scene.key.clone(), scene::key(&[9; 32]));
    let settler = ours.address();
    let refused = start(vec![stranger.clone()]).await.unwrap_err();
    let StartError::NoSettler(unfit) = &refused else { panic!("{refused}") };
    assert!(matches!(unfit[..], [Unfit::NotAllowed { .. }]), "{refused}");
    scene.rpc.set_balance(settler, 0).await.unwrap();
    let refused = start(vec![stranger.clone(), ours.clone()]).await.unwrap_err();
    let StartError::NoSettler(unfit) = &refused else { panic!("{refused}") };
    assert_eq!(unfit[1], Unfit::NoFunds(settler));
    for key in [&stranger, &ours] {
        assert!(refused.to_string().contains(&key.address().to_string()), "{refused}");
    }
    // one that can settle is enough
    scene.rpc.set_balance(settler, 10u128.pow(18)).await.unwrap();
    assert!(start(vec![stranger, ours]).await.is_ok());
}

#[tokio::test]
async fn two_workers_with_one_key_share_the_rows_and_the_nonces() {
    let scene = Scene::start(64).await;
    let swaps: Vec<Swap> = (0..8).map(|n| scene.swap(n % 4, WETH / 10)).collect();
    let token = tokio_util::sync::CancellationToken::new();
    let poll = std::time::Duration::from_millis(20);
    let workers = [(); 2].map(|()| {
        let worker = std::sync::Arc::new(scene.worker());
        tokio::spawn(settlement::drive(worker, poll, token.clone()))
    });
    for (n, swap) in (1..).zip(&swaps) {
        scene.queue(n, &[swap]).await;
    }
    for n in 1..=8u64 {
        scene.until(AuctionId::new(n), &[S::Revealed, S::Final]).await;
    }
    token.cancel();
    for worker in workers {
        worker.await.unwrap();
    }
    for swap in &swaps {
        let intent = scene.intent(swap).await;
        assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
    }
    let mut nonces: Vec<i64> = scene.attempts().await.into_iter().map(|a| a.1).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces, (0..16).collect::<Vec<_>>(), "every nonce used, none twice for two rows");
}

#[tokio::test]
async fn on_a_chain_with_blocks_of_a_second_a_batch_needs_two_of_them() {
    let mining = tests::anvil::Mining::Every(1);
    let scene = Scene::start_as(tests::stack::Plan { mining, ..Default::default() }).await;
    let swap = scene.swap(0, WETH);
    let token = tokio_util::sync::CancellationToken::new();
    let worker = std::sync::Arc::new(scene.worker());
    let poll = std::time::Duration::from_millis(50);
    let running = tokio::spawn(settlement::drive(worker, poll, token.clone()));
    scene.queue(1, &[&swap]).await;
    scene.until(AuctionId::new(1), &[S::Revealed, S::Final]).await;
    let blocks = scene.blocks().await;
    // the next block, or the one after it on a machine that is busy with other tests
    assert!((1..=2).contains(&(blocks[1] - blocks[0])), "{blocks:?}");
    token.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn the_loop_settles_what_is_queued_and_stops_when_it_is_asked_to() {
    let scene = Scene::start(64).await;
    let swaps: Vec<Swap> = (0..4).map(|owner| scene.swap(owner, WETH)).collect();
    let token = tokio_util::sync::CancellationToken::new();
    let worker = std::sync::Arc::new(scene.worker());
    let poll = std::time::Duration::from_millis(50);
    let running = tokio::spawn(settlement::drive(worker, poll, token.clone()));
    for (n, swap) in (1..).zip(&swaps) {
        scene.queue(n, &[swap]).await;
    }
    for n in 1..=4u64 {
        scene.until(AuctionId::new(n), &[S::Revealed, S::Final]).await;
    }
    for swap in &swaps {
        assert_eq!(scene.intent(swap).await.status, I::Filled);
    }
    scene.rpc.mine(4).await.unwrap();
    for n in 1..=4u64 {
        scene.until(AuctionId::new(n), &[S::Final]).await;
    }
    token.cancel();
    running.await.unwrap();
}

//! More batches than lanes: which goes first, which is given up, and what the auction can know.

use std::{sync::Arc, time::Duration};

use domain::{
    AuctionId,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::settlement::{self as store, Phase};
use serde_json::json;
use settlement::drive;
use tests::{
    anvil::{CHAIN_ID, Mining},
    orders::now_s,
    stack::Plan,
    wait,
};
use tokio_util::sync::CancellationToken;

use super::scene::{Scene, Swap, WETH};

#[tokio::test]
async fn the_earliest_deadline_goes_first_but_not_before_what_is_under_way() {
    let scene = Scene::start(64).await;
    let until = [500, 100, 300, 200].map(|left| now_s() + left);
    let swaps: Vec<Swap> =
        (0..4).map(|owner| scene.swap_until(owner, WETH, until[owner])).collect();
    let mut ids = Vec::new();
    for (n, swap) in (1..).zip(&swaps) {
        ids.push(scene.queue(n, &[swap]).await);
    }
    let worker = scene.worker();
    let mut order = Vec::new();
    for _ in 0..2 {
        let lease = scene.lease(&worker).await;
        order.push(lease.id);
        scene.step_until(&worker, lease, S::CommitSent).await;
    }
    assert_eq!(order, [ids[1], ids[3]]);
    // after a restart those with a commitment come first
    scene.leases_run_out().await;
    let worker = scene.worker();
    let again: Vec<i64> =
        worker.claim(Phase::Sending, 3).await.unwrap().iter().map(|lease| lease.id).collect();
    assert_eq!(again, [ids[1], ids[2], ids[3]], "by number; the latest deadline is left");
}

#[tokio::test]
async fn a_planned_batch_that_cannot_make_it_any_more_frees_its_intents_at_once() {
    let scene = Scene::start(64).await;
    let head = scene.head_s().await;
    // committed in the next block and revealed in the one after: two seconds
    let late = scene.swap_until(0, WETH, head + 1);
    let just = scene.swap_until(1, WETH, head + 3_600);
    let (gone, other) = (scene.queue(1, &[&late]).await, scene.queue(2, &[&just]).await);
    let token = CancellationToken::new();
    // every lane is in use for something else: nobody drives the row
    scene.sql("UPDATE settlement SET lease_until = 'infinity' WHERE auction_id = 2").await;
    let worker = Arc::new(scene.worker_with(|settings| settings.lanes = 0));
    let running = tokio::spawn(drive(worker, Duration::from_millis(20), token.clone()));
    scene.until(AuctionId::new(1), &[S::Failed]).await;
    token.cancel();
    running.await.unwrap();
    assert_eq!(scene.row(gone).await.reason.as_deref(), Some("intents_expired"));
    assert_eq!(scene.row(other).await.status, S::Planned);
    assert_eq!(scene.intent(&late).await.status, I::Open, "open, not in flight, until its time");
    assert!(scene.attempts().await.is_empty());
}

#[tokio::test]
async fn a_commit_that_is_not_mined_in_time_is_given_up_and_its_nonce_is_used_again() {
    let scene = Scene::start(64).await;
    let swap = scene.swap_until(0, WETH, scene.head_s().await + 30);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    scene.step_until(&worker, lease, S::CommitSent).await;
    scene.rpc("anvil_dropAllTransactions", json!([])).await;
    scene.rpc("evm_increaseTime", json!([29])).await;
    scene.rpc.mine(1).await.unwrap();
    scene.step_until(&worker, lease, S::Failed).await;
    assert!(matches!(scene.intent(&swap).await.status, I::Open | I::Expired));
    scene.rpc("evm_setAutomine", json!([true])).await;
    let swap = scene.swap(1, WETH);
    scene.queue(2, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    let nonces: Vec<(i64, i16)> = scene.attempts().await.into_iter().map(|a| (a.1, a.2)).collect();
    assert_eq!(nonces, [(0, 0), (0, 1), (1, 0)]);
}

#[tokio::test]
async fn the_backlog_tells_what_is_planned_and_how_many_lanes_there_are() {
    let scene = Scene::start(64).await;
    let backlog = || async {
        let mut conn = scene.pool.acquire().await.unwrap();
        store::backlog(&mut conn, CHAIN_ID).await.unwrap()
    };
    assert_eq!(backlog().await, store::Backlog { planned: 0, under_way: 0, lanes: 0 });
    let swaps: Vec<Swap> = (0..3).map(|owner| scene.swap(owner, WETH)).collect();
    scene.rpc("evm_setAutomine", json!([false])).await;
    for (n, swap) in (1..).zip(&swaps) {
        scene.queue(n, &[swap]).await;
    }
    let token = CancellationToken::new();
    let worker = Arc::new(scene.worker_with(|settings| settings.lanes = 2));
    let running = tokio::spawn(drive(worker, Duration::from_millis(20), token.clone()));
    wait::until("two of three on their way", Duration::from_secs(20), || async {
        match backlog().await {
            store::Backlog { planned: 1, under_way: 2, lanes: 2 } => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    token.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn the_next_batch_is_committed_in_the_block_of_the_last_ones_reveal() {
    let mining = Mining::Every(1);
    let scene = Scene::start_as(Plan { mining, ..Plan::default() }).await;
    let token = CancellationToken::new();
    let worker = Arc::new(scene.worker());
    let running = tokio::spawn(drive(worker, Duration::from_millis(20), token.clone()));
    let swaps: Vec<Swap> = (0..8).map(|n| scene.swap(n % 4, WETH / 10)).collect();
    for (n, swap) in (1..).zip(&swaps) {
        scene.queue(n, &[swap]).await;
        // the next one is decided while this one's reveal is on its way
        scene.until(AuctionId::new(n), &[S::RevealSent, S::Revealed, S::Final]).await;
    }
    scene.until(AuctionId::new(8), &[S::Revealed, S::Final]).await;
    token.cancel();
    running.await.unwrap();
    let query = "SELECT count(*) FROM tx_attempt AS reveal JOIN tx_attempt AS commit
        ON commit.block_number = reveal.block_number AND commit.settlement_id = reveal.settlement_id + 1
        WHERE reveal.kind = 'reveal' AND commit.kind = 'commit'";
    let together: i64 = sqlx::query_scalar(query).fetch_one(&scene.pool).await.unwrap();
    // all seven, unless the machine is busy with other tests
    assert!(together >= 4, "{together} of 7: {:?}", scene.blocks().await);
}

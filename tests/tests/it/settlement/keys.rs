//! Several settlers, each with lanes and nonces of its own.

use std::{slice, sync::Arc, time::Duration};

use alloy::primitives::Address;

use domain::{
    AuctionId,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::settlement::Phase;
use serde_json::json;
use settlement::{Progress, SettlementError, drive};
use tokio_util::sync::CancellationToken;

use super::scene::{Key, Scene, Swap, WETH};

const ETHER: u128 = 10u128.pow(18);

impl Scene {
    /// (settler, nonce) of every transaction, in the order they were written.
    async fn signers(&self) -> Vec<(Vec<u8>, i64)> {
        let query = "SELECT settler, nonce FROM tx_attempt ORDER BY id";
        sqlx::query_as(query).fetch_all(&self.pool).await.unwrap()
    }

    async fn signed_by(&self, key: &Key) -> Vec<i64> {
        let mut signed = self.signers().await;
        signed.retain(|(settler, _)| settler == key.address().as_slice());
        let mut nonces: Vec<i64> = signed.into_iter().map(|(_, nonce)| nonce).collect();
        nonces.sort_unstable();
        nonces
    }
}

#[tokio::test]
async fn rows_are_spread_over_the_settlers_and_each_reveals_what_it_committed() {
    let scene = Scene::start(64).await;
    let keys = [scene.key.clone(), scene.second_settler(2).await];
    let mut settings = scene.settings;
    settings.lanes = 2;
    let swaps: Vec<Swap> = (0..8).map(|n| scene.swap(n % 4, WETH / 10)).collect();
    for (n, swap) in (1..).zip(&swaps) {
        scene.queue(n, &[swap]).await;
    }
    let token = CancellationToken::new();
    let worker = Arc::new(scene.worker_on(scene.node(), &keys, settings));
    let running = tokio::spawn(drive(worker, Duration::from_millis(20), token.clone()));
    for n in 1..=8u64 {
        scene.until(AuctionId::new(n), &[S::Revealed, S::Final]).await;
    }
    token.cancel();
    running.await.unwrap();
    for swap in &swaps {
        assert_eq!(scene.intent(swap).await.status, I::Filled);
    }
    let query = "SELECT count(*) FROM tx_attempt JOIN commitment ON commitment_id = commitment.id
        WHERE tx_attempt.settler <> commitment.settler";
    let mixed: i64 = sqlx::query_scalar(query).fetch_one(&scene.pool).await.unwrap();
    assert_eq!(mixed, 0, "commit and reveal by the same key");
    let (first, second) = (scene.signed_by(&keys[0]).await, scene.signed_by(&keys[1]).await);
    for nonces in [&first, &second] {
        assert!(nonces.len() >= 4, "{first:?} {second:?}");
        assert_eq!(*nonces, (0..nonces.len() as i64).collect::<Vec<_>>(), "no gap, no double use");
    }
    assert_eq!(first.len() + second.len(), 16);
}

#[tokio::test]
async fn a_row_is_revealed_by_the_key_that_committed_it_whoever_looks_at_it_meanwhile() {
    let scene = Scene::start(64).await;
    let other = scene.second_settler(2).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let settings = scene.settings;
    let first = scene.worker();
    let lease = scene.lease(&first).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    scene.step_until(&first, lease, S::CommitSent).await;
    scene.leases_run_out().await;
    scene.rpc.mine(1).await.unwrap();
    scene.rpc("evm_setAutomine", json!([true])).await;

    // a process with another key does not drive the row, but sees what happens to it
    let stranger = scene.worker_on(scene.node(), slice::from_ref(&other), settings);
    assert!(stranger.claim(Phase::Sending, 8).await.unwrap().is_empty());
    let watching = Phase::Watching { reveal_s: 0 };
    let lease = stranger.claim(watching, 8).await.unwrap()[0];
    assert_eq!(stranger.step(lease).await.unwrap(), Progress::Moved);
    assert_eq!(scene.row(lease.id).await.status, S::Committed);
    assert_eq!(stranger.step(lease).await.unwrap(), Progress::Waiting, "it cannot reveal");
    assert_eq!(scene.attempts().await.len(), 1);
    stranger.release(lease).await;

    // one with both does
    let both = scene.worker_on(scene.node(), &[other, scene.key.clone()], settings);
    let lease = scene.lease(&both).await;
    scene.step_until(&both, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    assert_eq!(scene.signed_by(&scene.key).await, [0, 1]);
}

#[tokio::test]
async fn intents_whose_key_is_gone_are_free_when_their_commitment_is_too_old() {
    let scene = Scene::start(5).await;
    let other = scene.second_settler(2).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let first = scene.worker();
    let lease = scene.lease(&first).await;
    scene.step_until(&first, lease, S::Committed).await;
    scene.leases_run_out().await;
    scene.rpc.mine(8).await.unwrap();
    let stranger = scene.worker_on(scene.node(), &[other], scene.settings);
    let lease = stranger.claim(Phase::Watching { reveal_s: 0 }, 8).await.unwrap()[0];
    stranger.step(lease).await.unwrap();
    assert_eq!(scene.row(lease.id).await.status, S::Expired);
    assert_eq!(scene.intent(&swap).await.status, I::Open);
}

#[tokio::test]
async fn a_settler_without_money_or_lanes_is_passed_over_while_another_can() {
    let scene = Scene::start(64).await;
    let poor = scene.key.clone();
    let rich = scene.second_settler(1).await;
    let closed = super::scene::key(&[9; 32]);
    scene.rpc.set_balance(poor.address(), 1).await.unwrap();
    scene.rpc.set_balance(closed.address(), 1_000 * ETHER).await.unwrap();
    let keys = [poor.clone(), closed, rich.clone()];
    let worker = scene.worker_on(scene.node(), &keys, scene.settings);
    let swaps = [scene.swap(0, WETH), scene.swap(1, WETH), scene.swap(2, WETH)];
    for (n, swap) in (1..).zip(&swaps) {
        scene.queue(n, &[swap]).await;
    }
    let leases = worker.claim(Phase::Sending, 3).await.unwrap();
    scene.step_until(&worker, leases[0], S::Committed).await;
    // the rich one has but one lane, and it is in use
    let full = worker.step(leases[1]).await.unwrap_err();
    assert!(matches!(full, SettlementError::NoFreeLane), "{full}");
    scene.step_until(&worker, leases[0], S::Revealed).await;
    scene.step_until(&worker, leases[1], S::Revealed).await;
    assert_eq!(scene.signed_by(&rich).await.len(), 4);
    assert!(scene.signed_by(&poor).await.is_empty());
    // with money it is one of them again
    scene.rpc.set_balance(poor.address(), 1_000 * ETHER).await.unwrap();
    scene.step_until(&worker, leases[2], S::Revealed).await;
    assert_eq!(scene.signed_by(&poor).await.len(), 2);
}

#[tokio::test]
async fn a_commit_that_its_settler_can_no_longer_pay_for_is_made_by_another() {
    let scene = Scene::start(64).await;
    let (ours, other) = (scene.key.clone(), scene.second_settler(2).await);
    let keys = [ours.clone(), other.clone()];
    let worker = scene.worker_on(scene.node(), &keys, scene.settings);
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    scene.step_until(&worker, lease, S::CommitSent).await;
    scene.rpc("anvil_dropAllTransactions", json!([])).await;
    scene.rpc.set_balance(ours.address(), 1).await.unwrap();
    for _ in 0..3 {
        scene.rpc.mine(1).await.unwrap();
    }
    scene.rpc("evm_setAutomine", json!([true])).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    assert_eq!(scene.signed_by(&other).await, [0, 1]);
    // the nonce that was never used is used first when there is money again
    scene.rpc.set_balance(ours.address(), 1_000 * ETHER).await.unwrap();
    let swap = scene.swap(1, WETH);
    scene.queue(2, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.signed_by(&ours).await, [0, 0, 1], "{:?}", scene.attempts().await);
}

#[tokio::test]
async fn of_two_reveals_of_a_batch_in_one_block_the_first_one_counts() {
    let scene = Scene::start(64).await;
    let other = scene.second_settler(2).await;
    let keys = [scene.key.clone(), other.clone()];
    let worker = scene.worker_on(scene.node(), &keys, scene.settings);
    // the first key has used nonces that the other one has not
    let (earlier, swap) = (scene.swap(1, WETH), scene.swap(0, WETH));
    let before = scene.usdc(0).await;
    scene.queue(1, &[&earlier]).await;
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    scene.queue(2, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    scene.rpc.reorg(2).await.unwrap();
    // committed to again by the other key, so that nonces do not exclude each other
    scene.rpc.set_balance(scene.key.address(), 0).await.unwrap();
    scene.step_until(&worker, lease, S::Committed).await;
    assert_eq!(scene.signed_by(&other).await, [0]);
    scene.rpc.set_balance(scene.key.address(), 10 * ETHER).await.unwrap();
    // others kept the first commit and reveal, and bring them back
    let first = scene.raw_transactions().await;
    scene.rpc("eth_sendRawTransaction", json!([first[2]])).await;
    scene.rpc.mine(1).await.unwrap();
    scene.rpc("evm_setAutomine", json!([false])).await;
    scene.step_until(&worker, lease, S::RevealSent).await;
    scene.rpc("eth_sendRawTransaction", json!([first[3]])).await;
    scene.rpc.mine(1).await.unwrap();
    scene.rpc("evm_setAutomine", json!([true])).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.stands(&swap).await, I::Filled);
    assert_eq!(scene.intent(&swap).await.filled, swap.sell_amount());
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    let logs = json!([{ "fromBlock": "latest", "address": scene.stack.market.settlement }]);
    let logs = scene.rpc.call("eth_getLogs", logs).await.unwrap();
    let logs = logs.as_array().unwrap();
    assert_eq!(logs.len(), 4, "two reveals, each with the end of its bid: {logs:#?}");
    for (key, log) in [(&keys[0], &logs[0]), (&keys[1], &logs[2])] {
        let tx = json!([log["transactionHash"]]);
        let tx = scene.rpc.call("eth_getTransactionByHash", tx).await.unwrap();
        let from: Address = serde_json::from_value(tx["from"].clone()).unwrap();
        assert_eq!(from, key.address(), "the higher nonce comes first");
    }
}

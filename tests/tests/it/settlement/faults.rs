//! Nodes that fail, lie, forget or are slow: nothing is filled twice, given up wrongly or recorded
//! that is not in the chain.

use std::{collections::BTreeSet, time::Duration};

use alloy::primitives::{B256, keccak256};
use domain::status::{IntentStatus as I, SettlementStatus as S};
use infra::pg::settlement::RowLease;
use serde_json::{Value, json};
use settlement::{Progress, Settings, Worker};

use super::{
    proxy::{Fate, Proxy, is},
    scene::{Scene, WETH},
};

/// A worker behind a proxy, which it gives some seconds.
async fn behind_a_proxy(scene: &Scene) -> (Proxy, Worker) {
    behind_a_slow_proxy(scene, Duration::from_secs(5)).await
}

async fn behind_a_slow_proxy(scene: &Scene, patience: Duration) -> (Proxy, Worker) {
    let proxy = Proxy::start(&scene.stack.anvil.url()).await;
    let node = scene.node_at(&proxy.url, patience);
    // a failure takes a block, and is no reason to offer more
    let settings = Settings { resend_after_blocks: 100, ..scene.settings };
    let worker = scene.worker_on(node, std::slice::from_ref(&scene.key), settings);
    (proxy, worker)
}

/// Steps, come what may, with a block after each, until the row is revealed.
async fn step_through(scene: &Scene, worker: &Worker, lease: RowLease) {
    for _ in 0..80 {
        if scene.row(lease.id).await.status == S::Revealed {
            return;
        }
        match worker.step(lease).await {
            Ok(_) => {}
            Err(error) => assert!(error.retryable(), "{error}"),
        }
        scene.rpc.mine(1).await.unwrap();
    }
    panic!("{:?}", scene.row(lease.id).await.status);
}

async fn one_of_each(scene: &Scene) {
    let kinds: Vec<String> = scene.attempts().await.into_iter().map(|a| a.0).collect();
    assert_eq!(kinds, ["commit", "reveal"], "one transaction of each kind");
}

#[tokio::test]
async fn every_request_may_fail_once_in_every_way() {
    let ways: [fn() -> Fate; 6] = [
        || Fate::Status(429),
        || Fate::Refuse(429, "too many requests"),
        || Fate::Status(502),
        || Fate::Swallow,
        || Fate::Mute,
        || Fate::Late(Duration::from_millis(400)),
    ];
    let scene = Scene::start(64).await;
    let (proxy, worker) = behind_a_slow_proxy(&scene, Duration::from_millis(300)).await;
    for (n, way) in (1..).zip(ways) {
        let swap = scene.swap(0, WETH);
        let before = scene.usdc(0).await;
        scene.queue(n, &[&swap]).await;
        let lease = scene.lease(&worker).await;
        let mut failed = BTreeSet::new();
        proxy.script(move |request| {
            let first = failed.insert(format!("{} {}", request["method"], request["params"]));
            if first { way() } else { Fate::Pass }
        });
        step_through(&scene, &worker, lease).await;
        proxy.honest();
        assert_eq!(scene.usdc(0).await - before, swap.bought, "filled once");
        assert_eq!(scene.intent(&swap).await.status, I::Filled);
        worker.release(lease).await;
    }
    assert_eq!(scene.attempts().await.len(), 12, "two transactions for each");
}

#[tokio::test]
async fn a_transaction_that_was_taken_and_dropped_is_given_to_the_node_again() {
    let scene = Scene::start(64).await;
    let (proxy, worker) = behind_a_proxy(&scene).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    let mut sent: Vec<Value> = Vec::new();
    proxy.script(move |request| {
        // each of them is swallowed when it comes for the first time
        if is(request, "eth_sendRawTransaction") && !sent.contains(&request["params"]) {
            sent.push(request["params"].clone());
            return Fate::Answer(json!(hash_of(request)));
        }
        Fate::Pass
    });
    step_through(&scene, &worker, lease).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    one_of_each(&scene).await;
}

fn hash_of(request: &Value) -> B256 {
    let raw: alloy::primitives::Bytes =
        serde_json::from_value(request["params"][0].clone()).unwrap();
    keccak256(raw)
}

/// A lie about one transaction's receipt.
type Lie = fn(Value) -> Value;

/// While the node lies so about the receipt of the transaction that takes the row out of `from`,
/// nothing is recorded, sent anew or given up; when it stops, everything goes its way.
async fn lie_changes_nothing(from: S, lie: Lie) {
    let scene = Scene::start(64).await;
    let (proxy, worker) = behind_a_proxy(&scene).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, from).await;
    let sent = scene.attempts().await.len();
    let status = scene.intent(&swap).await.status;
    proxy.script(move |request| match is(request, "eth_getTransactionReceipt") {
        // of what is not there it says so
        true => Fate::Alter(Box::new(move |answer| match answer.is_object() {
            true => lie(answer),
            false => answer,
        })),
        false => Fate::Pass,
    });
    for _ in 0..6 {
        assert_eq!(worker.step(lease).await.unwrap(), Progress::Waiting);
        scene.rpc.mine(1).await.unwrap();
        assert_eq!(scene.row(lease.id).await.status, from);
        assert_eq!(scene.intent(&swap).await.status, status);
    }
    assert_eq!(scene.attempts().await.len(), sent, "nothing was sent anew");
    proxy.honest();
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    one_of_each(&scene).await;
}

const ABSENT: Lie = |_| Value::Null;
const OTHER_BLOCK: Lie = |mut receipt| {
    receipt["blockHash"] = json!(B256::repeat_byte(0xbb));
    receipt
};
const OTHER_CONTRACT: Lie = |mut receipt| {
    for log in receipt["logs"].as_array_mut().into_iter().flatten() {
        log["address"] = json!("0x00000000000000000000000000000000000000cc");
    }
    receipt
};
const REVERTED: Lie = |mut receipt| {
    receipt["status"] = json!("0x0");
    receipt["logs"] = json!([]);
    receipt
};

#[tokio::test]
async fn a_mined_commit_that_the_node_has_no_receipt_of_is_waited_for() {
    lie_changes_nothing(S::CommitSent, ABSENT).await;
}

#[tokio::test]
async fn a_mined_reveal_that_the_node_has_no_receipt_of_is_waited_for() {
    lie_changes_nothing(S::RevealSent, ABSENT).await;
}

#[tokio::test]
async fn a_receipt_of_a_block_that_is_not_there_is_no_evidence() {
    tokio::join!(
        lie_changes_nothing(S::CommitSent, OTHER_BLOCK),
        lie_changes_nothing(S::RevealSent, OTHER_BLOCK),
    );
}

#[tokio::test]
async fn logs_of_another_contract_are_no_evidence() {
    tokio::join!(
        lie_changes_nothing(S::CommitSent, OTHER_CONTRACT),
        lie_changes_nothing(S::RevealSent, OTHER_CONTRACT),
    );
}

#[tokio::test]
async fn a_transaction_that_did_its_work_is_not_written_off_because_a_receipt_says_so() {
    tokio::join!(
        lie_changes_nothing(S::CommitSent, REVERTED),
        lie_changes_nothing(S::RevealSent, REVERTED),
    );
}

#[tokio::test]
async fn a_commit_that_a_node_forgets_although_its_block_is_there_is_not_taken_back() {
    let scene = Scene::start(64).await;
    let (proxy, worker) = behind_a_proxy(&scene).await;
    let swap = scene.swap(0, WETH);
    let id = scene.queue(1, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    proxy.script(|request| match is(request, "eth_getTransactionReceipt") {
        true => Fate::Answer(Value::Null),
        false => Fate::Pass,
    });
    for _ in 0..6 {
        assert_eq!(worker.step(lease).await.unwrap(), Progress::Waiting);
        scene.rpc.mine(1).await.unwrap();
    }
    assert_eq!(scene.row(id).await.status, S::Revealed);
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    assert!(scene.events().await.iter().all(|(kind, _)| kind != "settlement.reorged"));
    proxy.honest();
    scene.step_until(&worker, lease, S::Final).await;
}

/// Serves receipts of transactions that are in no block, as if they were in this one.
async fn forge(scene: &Scene, proxy: &Proxy, hash: B256, mut receipt: Value) {
    let head = scene.rpc.call("eth_getBlockByNumber", json!(["latest", false])).await.unwrap();
    receipt["blockHash"] = head["hash"].clone();
    receipt["blockNumber"] = head["number"].clone();
    for log in receipt["logs"].as_array_mut().unwrap() {
        log["blockHash"] = head["hash"].clone();
        log["blockNumber"] = head["number"].clone();
    }
    proxy.script(move |request| {
        let about = is(request, "eth_getTransactionReceipt") && request["params"][0] == json!(hash);
        if about { Fate::Answer(receipt.clone()) } else { Fate::Pass }
    });
}

#[tokio::test]
async fn a_receipt_of_what_was_never_mined_is_no_evidence() {
    let scene = Scene::start(64).await;
    let (proxy, worker) = behind_a_proxy(&scene).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    for from in [S::CommitSent, S::RevealSent] {
        scene.step_until(&worker, lease, from).await;
        // true when it was fetched; then its block is taken back
        let hash = keccak256(scene.raw_transactions().await.last().unwrap());
        let receipt = scene.rpc.call("eth_getTransactionReceipt", json!([hash])).await.unwrap();
        scene.rpc("evm_setAutomine", json!([false])).await;
        scene.rpc.reorg(1).await.unwrap();
        scene.rpc("anvil_dropAllTransactions", json!([])).await;
        forge(&scene, &proxy, hash, receipt).await;
        let status = scene.intent(&swap).await.status;
        for _ in 0..3 {
            assert_eq!(worker.step(lease).await.unwrap(), Progress::Waiting);
            assert_eq!(scene.row(lease.id).await.status, from);
            assert_eq!(scene.intent(&swap).await.status, status);
        }
        proxy.honest();
        scene.rpc("evm_setAutomine", json!([true])).await;
        worker.step(lease).await.unwrap();
    }
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    one_of_each(&scene).await;
}

#[tokio::test]
async fn a_node_that_counts_nonces_wrong_costs_a_transaction_at_most() {
    let scene = Scene::start(64).await;
    let (proxy, worker) = behind_a_proxy(&scene).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    scene.queue(1, &[&swap]).await;
    let lease = scene.lease(&worker).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    for from in [S::CommitSent, S::RevealSent] {
        scene.step_until(&worker, lease, from).await;
        proxy.script(|request| match is(request, "eth_getTransactionCount") {
            true => Fate::Answer(json!("0x9")),
            false => Fate::Pass,
        });
        worker.step(lease).await.unwrap();
        proxy.honest();
        scene.rpc.mine(1).await.unwrap();
        worker.step(lease).await.unwrap();
    }
    scene.rpc("evm_setAutomine", json!([true])).await;
    step_through(&scene, &worker, lease).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    assert_eq!(scene.usdc(0).await - before, swap.bought);
}

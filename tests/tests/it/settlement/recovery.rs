//! Whatever dies between two steps, and whatever is lost on the way to the chain.

use domain::status::{IntentStatus as I, SettlementStatus as S};
use infra::pg::StoreError;
use serde_json::json;
use settlement::{Progress, SettlementError};

use super::scene::{Scene, WETH};

#[tokio::test]
async fn a_worker_killed_after_every_step_fills_exactly_once() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let before = scene.usdc(0).await;
    let id = scene.queue(1, &[&swap]).await;
    let mut lives = 0;
    while scene.row(id).await.status != S::Revealed {
        lives += 1;
        assert!(lives < 12, "{:?}", scene.row(id).await.status);
        // a new process each time: nothing is remembered but rows and chain
        let worker = scene.worker();
        let lease = scene.lease(&worker).await;
        worker.step(lease).await.unwrap();
        scene.leases_run_out().await;
    }
    assert_eq!(scene.usdc(0).await - before, swap.bought);
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    let kinds: Vec<String> = scene.attempts().await.into_iter().map(|a| a.0).collect();
    assert_eq!(kinds, ["commit", "reveal"], "one transaction of each kind");
}

#[tokio::test]
async fn a_transaction_that_was_written_but_never_reached_a_node_is_broadcast_again() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    for status in [S::CommitSent, S::RevealSent] {
        // nothing is mined, and the node forgets what it was given
        scene.rpc("evm_setAutomine", json!([false])).await;
        scene.step_until(&worker, lease, status).await;
        scene.rpc("anvil_dropAllTransactions", json!([])).await;
        scene.rpc("evm_setAutomine", json!([true])).await;
        scene.rpc.mine(1).await.unwrap();
        assert_eq!(scene.row(lease.id).await.status, status);
        assert_eq!(worker.step(lease).await.unwrap(), Progress::Waiting);
        worker.step(lease).await.unwrap();
    }
    scene.step_until(&worker, lease, S::Revealed).await;
    let fates: Vec<_> = scene.attempts().await.into_iter().map(|a| (a.0, a.3)).collect();
    let mined = |kind: &str| (kind.to_owned(), "mined".to_owned());
    assert_eq!(fates, [mined("commit"), mined("reveal")]);
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
}

#[tokio::test]
async fn a_transaction_that_pays_too_little_is_replaced_under_its_nonce() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    scene.step_until(&worker, lease, S::CommitSent).await;
    for _ in 0..3 {
        scene.rpc("anvil_setNextBlockBaseFeePerGas", json!(["0xba43b7400"])).await; // 50 gwei
        scene.rpc.mine(1).await.unwrap();
    }
    assert_eq!(worker.step(lease).await.unwrap(), Progress::Waiting);
    scene.rpc.mine(1).await.unwrap();
    scene.step_until(&worker, lease, S::Committed).await;
    let attempts = scene.attempts().await;
    let fates: Vec<_> = attempts.iter().map(|a| (a.2, a.3.as_str())).collect();
    assert_eq!(fates, [(0, "replaced"), (1, "mined")]);
    assert_eq!(attempts[0].1, attempts[1].1, "the same nonce");
    scene.rpc("evm_setAutomine", json!([true])).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
}

#[tokio::test]
async fn a_nonce_used_behind_our_back_costs_a_new_transaction_and_nothing_else() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    // somebody else sends with the settler's key
    let settler = scene.stack.market.settler.key().clone();
    let url = scene.stack.anvil.url();
    let sender = settlement::deploy::Sender::connect(&url, settler).await.unwrap();
    sender.send(scene.stack.token("WETH"), tests::rpc::calldata("decimals()", &[])).await.unwrap();
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    let fates: Vec<_> = scene.attempts().await.into_iter().map(|a| a.3).collect();
    assert_eq!(fates, ["mined", "dropped", "mined"]);
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_writes_nothing() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let id = scene.queue(1, &[&swap]).await;
    let frozen = scene.worker();
    let old = scene.lease(&frozen).await;
    scene.step_until(&frozen, old, S::CommitSent).await;
    scene.leases_run_out().await;
    let successor = scene.worker();
    let new = scene.lease(&successor).await;
    assert!(new.token > old.token);

    let thawed = frozen.step(old).await.unwrap_err();
    assert!(thawed.fenced(), "{thawed}");
    assert_eq!(scene.row(id).await.status, S::CommitSent);
    // nor may it write by a transaction that it began before it was frozen
    let mut conn = scene.pool.acquire().await.unwrap();
    let mut row = scene.row(id).await;
    row.status = S::Failed;
    let written =
        infra::pg::settlement::set(&mut conn, old, S::CommitSent, &row).await.unwrap_err();
    assert!(matches!(written, StoreError::Fenced));
    drop(conn);

    scene.step_until(&successor, new, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    assert_eq!(scene.attempts().await.len(), 2);
}

#[tokio::test]
async fn a_settler_that_runs_out_of_money_waits_for_some() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    let settler = scene.stack.market.settler.address();
    scene.rpc.set_balance(settler, 1).await.unwrap();
    let poor = worker.step(lease).await.unwrap_err();
    assert!(matches!(poor, SettlementError::OutOfFunds(who) if who == settler), "{poor}");
    assert!(poor.retryable());
    scene.rpc.set_balance(settler, 10u128.pow(20)).await.unwrap();
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
}

#[tokio::test]
async fn a_reveal_that_the_contract_refuses_frees_the_intents() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let id = scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    scene.close_lane(0).await;
    scene.step_until(&worker, lease, S::Failed).await;
    assert_eq!(scene.row(id).await.reason.as_deref(), Some("reveal_refused"));
    assert_eq!(scene.intent(&swap).await.status, I::Open);
    let told = scene.events().await;
    assert!(told.iter().any(|(kind, _)| kind == "auction.published"), "{told:?}");
}

#[tokio::test]
async fn a_commit_into_a_lane_that_was_closed_is_made_again_in_another() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    scene.step_until(&worker, lease, S::CommitSent).await;
    scene.rpc("anvil_dropAllTransactions", json!([])).await;
    scene.rpc("evm_setAutomine", json!([true])).await;
    scene.close_lane(0).await;
    // broadcast again, mined, reverted
    assert_eq!(worker.step(lease).await.unwrap(), Progress::Waiting);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.lanes().await, [0, 1]);
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    let fates: Vec<_> = scene.attempts().await.into_iter().map(|a| a.3).collect();
    assert_eq!(fates, ["reverted", "mined", "mined"]);
}

#[tokio::test]
async fn a_batch_whose_intents_have_all_expired_is_not_even_committed() {
    let scene = Scene::start(64).await;
    let swap = scene.swap_until(0, WETH, tests::orders::now_s() - 60);
    let id = scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Failed).await;
    assert_eq!(scene.row(id).await.reason.as_deref(), Some("intents_expired"));
    assert_eq!(scene.intent(&swap).await.status, I::Expired);
    assert!(scene.attempts().await.is_empty());
}

//! Penalties, told by a node in between as long as the contract takes none.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy::primitives::{Address, B256, LogData, U256};
use domain::Amount;
use infra::{
    chain::{abi::SolEvent as _, logs::PenaltyTaken},
    pg::index as store,
};
use serde_json::{Value, json};
use tests::anvil::CHAIN_ID;

use super::{super::scene::Scene, catch_up, head, indexer_on, step, through, told};

const SOLVER: Address = Address::repeat_byte(0x51);

/// The log of a penalty of nine wei in a block.
fn penalty(contract: Address, number: u64, hash: &Value) -> Value {
    let owners = vec![Address::repeat_byte(1), Address::repeat_byte(2)];
    let amounts = vec![U256::from(3), U256::from(2)];
    let (bid, amount, burned) = (B256::repeat_byte(0xb1), U256::from(9), U256::from(4));
    let event = PenaltyTaken { bid, solver: SOLVER, amount, burned, owners, amounts };
    let log: LogData = event.encode_log_data();
    json!({
        "address": contract, "topics": log.topics(), "data": log.data,
        "blockNumber": format!("{number:#x}"), "blockHash": hash, "logIndex": "0x0",
        "transactionHash": B256::repeat_byte(7), "transactionIndex": "0x0", "removed": false,
    })
}

#[tokio::test]
async fn a_penalty_is_told_kept_for_the_solver_s_standing_and_taken_back_with_its_block() {
    let scene = Scene::start(64).await;
    let contract = scene.stack.market.deployment.settlement;
    let block = Arc::new(AtomicU64::new(0));
    let at = Arc::clone(&block);
    let hash = Arc::new(std::sync::Mutex::new(Value::Null));
    let expected = Arc::clone(&hash);
    let (_proxy, chain) = through(&scene, move |asked, mut answer| {
        let asked_for = &asked["params"][0]["blockHash"];
        let hash = expected.lock().unwrap().clone();
        if asked["method"] == "eth_getLogs" && !hash.is_null() && *asked_for == hash {
            answer["result"] = json!([penalty(contract, at.load(Ordering::Relaxed), &hash)]);
        }
        answer
    })
    .await;
    let mut reader = indexer_on(&scene, chain, |_| {}).await;
    catch_up(&mut reader).await;
    scene.rpc.mine(1).await.unwrap();
    let taken = head(&scene).await;
    block.store(taken.number, Ordering::Relaxed);
    *hash.lock().unwrap() = json!(taken.hash);
    catch_up(&mut reader).await;

    let (kind, event) = scene.events().await.pop().unwrap();
    assert_eq!(kind, "solver.penalty");
    assert_eq!((&event["amount"], &event["burned"]), (&json!("9"), &json!("4")));
    assert_eq!(event["shares"][1]["amount"], "2");
    assert_eq!((&event["reorged"], &event["block"]["hash"]), (&json!(false), &json!(taken.hash)));
    let mut conn = scene.pool.acquire().await.unwrap();
    let lost = store::penalties(&mut conn, CHAIN_ID, SOLVER, taken.number).await.unwrap();
    assert_eq!((lost.count, lost.amount), (1, Amount::from(9u64)));
    let later = store::penalties(&mut conn, CHAIN_ID, SOLVER, taken.number + 1).await.unwrap();
    assert_eq!(later, store::Penalties::default());

    scene.rpc.reorg(1).await.unwrap();
    step(&mut reader).await.unwrap();
    let lost = store::penalties(&mut conn, CHAIN_ID, SOLVER, 0).await.unwrap();
    assert_eq!(lost.count, 0);
    assert_eq!(scene.events().await.pop().unwrap().1["reorged"], true);
    assert_eq!(told(&scene, "solver.penalty").await, 2);
}

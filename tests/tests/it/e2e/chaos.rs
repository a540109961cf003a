//! What dies, freezes or forgets, and what must not be lost by it.

use std::time::Duration;

use alloy::primitives::U256;
use nix::sys::signal::Signal;
use serde_json::json;
use tests::{
    client::{Client, PATIENCE},
    stack::{Plan, Stack},
    wait,
};

use super::{balance, one_weth_to_usdc, post, running};

#[tokio::test]
async fn a_settlement_killed_between_commit_and_reveal_fills_exactly_once_when_it_is_back() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let rpc = stack.rpc().unwrap();
    let market = stack.serve("api,auction").await.unwrap();
    let mut settlement = stack.serve("settlement").await.unwrap();
    let _solver = stack.solver("inventory", 0, &market.api_url).unwrap();
    let client = Client::new(&market.api_url).unwrap();
    let (weth, usdc) = (stack.token("WETH"), stack.token("USDC"));
    let before = (balance(&stack, weth, 0).await, balance(&stack, usdc, 0).await);

    // nothing is mined but what we mine: the commit waits in the node's pool
    rpc.call("evm_setAutomine", json!([false])).await.unwrap();
    let order = one_weth_to_usdc(&stack);
    let posted = post(&client, &stack, 0, &order).await;
    wait::until("the commit waiting in the pool", PATIENCE, || pending(&rpc)).await.unwrap();
    settlement.process.kill9().unwrap();
    rpc.mine(1).await.unwrap();
    assert_eq!(client.status(posted.id).await.unwrap(), "matched", "nobody is there to see it");

    rpc.call("evm_setAutomine", json!([true])).await.unwrap();
    let _again = stack.serve("settlement").await.unwrap();
    client.wait_for(posted.id, "filled").await.unwrap();
    let after = (balance(&stack, weth, 0).await, balance(&stack, usdc, 0).await);
    assert_eq!(before.0 - after.0, U256::from(order.sell_amount), "sold exactly once");
    assert!(after.1 - before.1 >= U256::from(order.buy_amount));
    let timeline = client.get(&format!("/v1/intents/{}/timeline", posted.id)).await.unwrap().body;
    let fills = timeline["items"].as_array().unwrap().iter().filter(|i| i["kind"] == "filled");
    assert_eq!(fills.count(), 1, "{timeline:#}");
}

async fn pending(rpc: &tests::rpc::Rpc) -> Result<(), String> {
    let status = rpc.call("txpool_status", json!([])).await.map_err(|e| e.to_string())?;
    if status["pending"] == "0x0" { Err(status.to_string()) } else { Ok(()) }
}

#[tokio::test]
async fn redis_flushed_under_load_loses_no_accepted_intent() {
    let market = running(Plan { owners: 8, ..Plan::default() }).await;
    let mut accepted = Vec::new();
    let redis = redis::Client::open(market.stack.redis.url()).unwrap();
    for round in 0..6 {
        for owner in 0..8 {
            let order = one_weth_to_usdc(&market.stack);
            accepted.push(post(&market.client, &market.stack, owner, &order).await.id);
        }
        if round % 2 == 1 {
            let mut connection = redis.get_multiplexed_async_connection().await.unwrap();
            redis::cmd("FLUSHALL").exec_async(&mut connection).await.unwrap();
        }
    }
    for id in accepted {
        market.client.wait_for(id, "filled").await.unwrap();
    }
}

#[tokio::test]
async fn a_market_whose_leader_freezes_goes_on_and_the_thawed_leader_changes_nothing() {
    let quick = [
        ("lease.ttl_ms", "1500"),
        ("lease.renew_ms", "300"),
        ("postgres.acquire_timeout_ms", "1000"),
    ];
    let settings = quick.map(|(key, value)| (key, value.to_owned())).to_vec();
    let stack = Stack::start(Plan { settings, ..Plan::default() }).await.unwrap();
    let frozen = stack.serve("auction").await.unwrap();
    let api = stack.serve("api,settlement").await.unwrap();
    let client = Client::new(&api.api_url).unwrap();
    let _solver = stack.solver("inventory", 0, &api.api_url).unwrap();
    let first = post(&client, &stack, 0, &one_weth_to_usdc(&stack)).await;
    client.wait_for(first.id, "filled").await.unwrap();

    frozen.process.signal(Signal::SIGSTOP).unwrap();
    let second = post(&client, &stack, 1, &one_weth_to_usdc(&stack)).await;
    let _successor = stack.serve("auction").await.unwrap();
    client.wait_for(second.id, "filled").await.unwrap();
    frozen.process.signal(Signal::SIGCONT).unwrap();

    let third = post(&client, &stack, 2, &one_weth_to_usdc(&stack)).await;
    client.wait_for(third.id, "filled").await.unwrap();
    let auctions = client.get("/v1/auctions?limit=100").await.unwrap().body;
    let mut ids: Vec<u64> =
        auctions["items"].as_array().unwrap().iter().map(|a| a["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    let expected: Vec<u64> = (1..=ids.len() as u64).collect();
    assert_eq!(ids, expected, "auctions are numbered without gaps or repeats");
}

#[tokio::test]
async fn accepted_intents_survive_a_redis_outage_and_go_on_when_it_is_back() {
    let mut market = running(Plan::default()).await;
    let before = post(&market.client, &market.stack, 0, &one_weth_to_usdc(&market.stack)).await;
    market.stack.redis.kill9().unwrap();
    let unready = wait::until("the outage being noticed", Duration::from_secs(10), || async {
        let ready = market.client.get("/health/ready").await.map_err(|e| e.to_string())?;
        if ready.status == 503 { Ok(ready) } else { Err(ready.body.to_string()) }
    });
    assert_eq!(unready.await.unwrap().status, 503);
    market.stack.redis.restart().await.unwrap();
    let after = post(&market.client, &market.stack, 1, &one_weth_to_usdc(&market.stack)).await;
    for id in [before.id, after.id] {
        market.client.wait_for(id, "filled").await.unwrap();
    }
}

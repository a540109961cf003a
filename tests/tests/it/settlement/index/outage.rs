//! Nodes that refuse, lag, forget or lie.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use alloy::primitives::U256;
use domain::status::IntentStatus as I;
use serde_json::{Value, json};
use settlement::{IndexError, IndexSettings, Walked};
use tokio_util::sync::CancellationToken;

use super::{
    super::scene::{Scene, WETH},
    catch_up, head, indexer_on, invalidate, mark, status, step, through,
};

fn error(code: i64, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

fn number(text: &Value) -> u64 {
    u64::from_str_radix(text.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[tokio::test]
async fn ranges_are_halved_until_the_node_answers_and_no_block_is_left_out() {
    let scene = Scene::start(64).await;
    let swaps = [scene.swap(0, WETH), scene.swap(1, WETH), scene.swap(2, WETH)];
    scene.post(&[&swaps[0], &swaps[1], &swaps[2]]).await;
    for owner in 0..3 {
        invalidate(&scene, owner, U256::ZERO, 1).await;
        scene.rpc.mine(50).await.unwrap();
    }
    let answered = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&answered);
    let (_proxy, chain) = through(&scene, move |asked, mut answer| {
        let filter = &asked["params"][0];
        if asked["method"] == "eth_getLogs" && filter["blockHash"].is_null() {
            let (from, to) = (number(&filter["fromBlock"]), number(&filter["toBlock"]));
            if to - from >= 10 {
                answer = json!({
                    "jsonrpc": "2.0", "id": asked["id"],
                    "error": error(-32602, "eth_getLogs is limited to a 10 block range"),
                });
            } else {
                seen.lock().unwrap().push((from, to));
            }
        }
        answer
    })
    .await;
    let from_one = |settings: &mut IndexSettings| settings.start_block = Some(1);
    let mut reader = indexer_on(&scene, chain, from_one).await;
    catch_up(&mut reader).await;
    for swap in &swaps {
        assert_eq!(status(&scene, swap).await, I::Cancelled);
    }
    let ranges = answered.lock().unwrap();
    assert_eq!(ranges[0].0, 1);
    assert!(ranges.windows(2).all(|two| two[0].1 + 1 == two[1].0), "no gap: {ranges:?}");
}

#[tokio::test]
async fn a_node_that_limits_rates_is_asked_again_until_it_answers() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let left = Arc::new(AtomicU64::new(6));
    let refusals = Arc::clone(&left);
    let (_proxy, chain) = through(&scene, move |asked, answer| {
        let refuse = refusals.load(Ordering::Relaxed);
        if refuse == 0 {
            return answer;
        }
        refusals.store(refuse - 1, Ordering::Relaxed);
        json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error(429, "slow down") })
    })
    .await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    let config = scene.stack.config().unwrap();
    let token = CancellationToken::new();
    let settings = IndexSettings::of(&config);
    let running = tokio::spawn(settlement::index(
        scene.pool.clone(),
        chain,
        settings,
        config.lease,
        token.clone(),
    ));
    tests::wait::until("the cancellation", std::time::Duration::from_secs(30), || async {
        match status(&scene, &swap).await {
            I::Cancelled => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await
    .unwrap();
    assert_eq!(left.load(Ordering::Relaxed), 0);
    token.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn logs_of_another_contract_are_not_believed() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let (_proxy, chain) = through(&scene, |asked, mut answer| {
        if asked["method"] == "eth_getLogs" {
            for log in answer["result"].as_array_mut().unwrap() {
                log["address"] = json!("0x00000000000000000000000000000000000000bb");
            }
        }
        answer
    })
    .await;
    let mut reader = indexer_on(&scene, chain, |_| {}).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    catch_up(&mut reader).await;
    assert_eq!(mark(&scene).await.block, head(&scene).await);
    assert_eq!(status(&scene, &swap).await, I::Open);
}

#[tokio::test]
async fn logs_that_claim_another_block_than_asked_for_are_refused_and_nothing_is_skipped() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let lying = Arc::new(AtomicBool::new(true));
    let lies = Arc::clone(&lying);
    let (_proxy, chain) = through(&scene, move |asked, mut answer| {
        if asked["method"] == "eth_getLogs" && lies.load(Ordering::Relaxed) {
            for log in answer["result"].as_array_mut().unwrap() {
                log["blockHash"] = json!(alloy::primitives::B256::repeat_byte(9));
            }
        }
        answer
    })
    .await;
    let mut reader = indexer_on(&scene, chain, |_| {}).await;
    catch_up(&mut reader).await;
    let before = mark(&scene).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    let refused = step(&mut reader).await.unwrap_err();
    assert!(matches!(refused, IndexError::Chain(_)) && refused.retryable(), "{refused}");
    assert_eq!((mark(&scene).await, status(&scene, &swap).await), (before, I::Open));
    lying.store(false, Ordering::Relaxed);
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &swap).await, I::Cancelled);
}

#[tokio::test]
async fn a_block_that_the_node_lacks_is_waited_for_and_not_passed_over() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let lacking = Arc::new(AtomicU64::new(u64::MAX));
    let lacks = Arc::clone(&lacking);
    let (_proxy, chain) = through(&scene, move |asked, mut answer| {
        let wanted = asked["params"][0] == json!(format!("{:#x}", lacks.load(Ordering::Relaxed)));
        if asked["method"] == "eth_getBlockByNumber" && wanted {
            answer["result"] = Value::Null;
        }
        answer
    })
    .await;
    let mut reader = indexer_on(&scene, chain, |_| {}).await;
    catch_up(&mut reader).await;
    scene.rpc.mine(1).await.unwrap();
    invalidate(&scene, 0, U256::ZERO, 1).await;
    let missing = head(&scene).await.number;
    scene.rpc.mine(2).await.unwrap();
    lacking.store(missing, Ordering::Relaxed);
    assert_eq!(step(&mut reader).await.unwrap(), Walked::On);
    for _ in 0..2 {
        let error = step(&mut reader).await.unwrap_err();
        assert!(matches!(error, IndexError::Missing(n) if n == missing), "{error}");
        assert!(error.retryable());
        assert_eq!(mark(&scene).await.block.number, missing - 1);
    }
    lacking.store(u64::MAX, Ordering::Relaxed);
    catch_up(&mut reader).await;
    assert_eq!(mark(&scene).await.block, head(&scene).await);
    assert_eq!(status(&scene, &swap).await, I::Cancelled);
}

#[tokio::test]
async fn a_node_that_is_behind_takes_nothing_back() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let behind = Arc::new(AtomicBool::new(false));
    let lags = Arc::clone(&behind);
    let old: Arc<Mutex<Option<Value>>> = Arc::default();
    let kept = Arc::clone(&old);
    let (_proxy, chain) = through(&scene, move |asked, mut answer| {
        if asked["method"] == "eth_getBlockByNumber" && asked["params"][0] == "latest" {
            let mut kept = kept.lock().unwrap();
            match (lags.load(Ordering::Relaxed), kept.as_ref()) {
                (true, Some(block)) => answer["result"] = block.clone(),
                _ => *kept = Some(answer["result"].clone()),
            }
        }
        answer
    })
    .await;
    let mut reader = indexer_on(&scene, chain.clone(), |_| {}).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    // another reader's node was faster
    let mut faster = indexer_on(&scene, scene.chain.clone(), |_| {}).await;
    catch_up(&mut faster).await;
    behind.store(true, Ordering::Relaxed);
    let mut reader = indexer_on(&scene, chain, |_| {}).await;
    assert_eq!(step(&mut reader).await.unwrap(), Walked::Waiting);
    assert_eq!(mark(&scene).await.block, head(&scene).await);
    assert_eq!(status(&scene, &swap).await, I::Cancelled);
}

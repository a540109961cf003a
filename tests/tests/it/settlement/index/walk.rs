//! Forward, back, and on where another process stopped.

use std::time::Duration;

use alloy::primitives::U256;
use domain::status::IntentStatus as I;
use infra::pg::StoreError;
use serde_json::json;
use settlement::{IndexError, Walked};
use tests::{stack::Plan, wait};
use tokio_util::sync::CancellationToken;

use super::{
    super::scene::{Scene, WETH},
    catch_up, head, indexer, indexer_on, invalidate, invalidate_later, lead, mark, status, step,
};

#[tokio::test]
async fn without_a_start_it_begins_as_far_below_the_head_as_blocks_are_taken_back() {
    let scene = Scene::start(64).await;
    let (early, late) = (scene.swap(0, WETH), scene.swap(1, WETH));
    scene.post(&[&early, &late]).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    scene.rpc.mine(5).await.unwrap();
    invalidate(&scene, 1, U256::ZERO, 1).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    assert_eq!(mark(&scene).await.block, head(&scene).await);
    assert_eq!(reader.lag(), Some(0));
    assert_eq!(status(&scene, &late).await, I::Cancelled);
    assert_eq!(status(&scene, &early).await, I::Open, "before the start");
}

#[tokio::test]
async fn from_a_given_start_the_past_is_read_in_ranges_and_the_newest_blocks_one_by_one() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    scene.rpc.mine(40).await.unwrap();
    invalidate(&scene, 0, U256::ZERO, 1).await;
    scene.rpc.mine(400).await.unwrap();
    let mut reader =
        indexer_on(&scene, scene.chain.clone(), |settings| settings.start_block = Some(1)).await;
    let steps = catch_up(&mut reader).await;
    let blocks = head(&scene).await.number;
    assert!(steps < 20, "{steps} steps for {blocks} blocks");
    assert_eq!(status(&scene, &swap).await, I::Cancelled);
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM log_mark").fetch_one(&scene.pool).await.unwrap();
    assert!((4..=6).contains(&kept), "{kept} marks: as many as blocks can be taken back");
}

#[tokio::test]
async fn a_block_of_many_logs_is_applied_in_parts_and_its_rest_by_whoever_comes_after_a_kill() {
    let scene = Scene::start(64).await;
    let (first, last) = (scene.swap(0, WETH), scene.swap(1, WETH));
    scene.post(&[&first, &last]).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    invalidate_later(&scene, 0, U256::ZERO, 1).await;
    for word in 1..450u64 {
        invalidate_later(&scene, 0, U256::from(word), 1).await;
    }
    invalidate_later(&scene, 1, U256::ZERO, 1).await;
    scene.rpc("anvil_setBlockGasLimit", json!(["0x5f5e1000"])).await;
    scene.rpc.mine(1).await.unwrap();

    // stopped after the first transaction
    let stop = CancellationToken::new();
    stop.cancel();
    reader.step(&stop).await.unwrap();
    let half = mark(&scene).await;
    assert_eq!((half.block, half.logs), (head(&scene).await, Some(200)));
    let noted = "SELECT count(*) FROM nonce_invalidation";
    let count: i64 = sqlx::query_scalar(noted).fetch_one(&scene.pool).await.unwrap();
    assert_eq!(count, 200);
    drop(reader);
    let mut next = indexer(&scene).await;
    next.step(&stop).await.unwrap();
    assert_eq!(mark(&scene).await.logs, Some(400));
    catch_up(&mut next).await;
    assert_eq!(mark(&scene).await.logs, None);
    let count: i64 = sqlx::query_scalar(noted).fetch_one(&scene.pool).await.unwrap();
    assert_eq!(count, 451);
    assert_eq!([status(&scene, &first).await, status(&scene, &last).await], [I::Cancelled; 2]);
}

#[tokio::test]
async fn a_block_that_was_applied_in_part_and_lost_is_taken_back() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    scene.rpc("evm_setAutomine", json!([false])).await;
    for word in 0..250u64 {
        invalidate_later(&scene, 0, U256::from(word), 1).await;
    }
    scene.rpc.mine(1).await.unwrap();
    scene.rpc("evm_setAutomine", json!([true])).await;
    let stop = CancellationToken::new();
    stop.cancel();
    reader.step(&stop).await.unwrap();
    assert!(mark(&scene).await.logs.is_some());
    assert_eq!(status(&scene, &swap).await, I::Cancelled);
    scene.rpc.reorg(1).await.unwrap();
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &swap).await, I::Open);
    assert_eq!((mark(&scene).await.block, mark(&scene).await.logs), (head(&scene).await, None));
}

#[tokio::test]
async fn a_reorg_deeper_than_what_is_remembered_is_read_anew_from_below_it() {
    let scene = Scene::start(64).await;
    let (kept, lost) = (scene.swap(0, WETH), scene.swap(1, WETH));
    scene.post(&[&kept, &lost]).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    scene.rpc.mine(8).await.unwrap();
    let shallow = |settings: &mut settlement::IndexSettings| {
        settings.start_block = Some(1);
        settings.finality_blocks = 2;
    };
    let mut reader = indexer_on(&scene, scene.chain.clone(), shallow).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 1, U256::ZERO, 1).await;
    scene.rpc.mine(3).await.unwrap();
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &lost).await, I::Cancelled);
    scene.rpc.reorg(6).await.unwrap();
    catch_up(&mut reader).await;
    assert_eq!(mark(&scene).await.block, head(&scene).await);
    assert_eq!(status(&scene, &kept).await, I::Cancelled, "its block is still there");
    invalidate(&scene, 1, U256::ZERO, 1).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&lost).await;
    assert_eq!((intent.status, intent.evidence.unwrap().block), (I::Cancelled, head(&scene).await));
}

#[tokio::test]
async fn a_reader_that_lost_its_lease_writes_nothing() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let mut frozen = indexer(&scene).await;
    catch_up(&mut frozen).await;
    let before = mark(&scene).await;
    lead(&scene).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    let thawed = step(&mut frozen).await.unwrap_err();
    assert!(matches!(thawed, IndexError::Store(StoreError::Fenced)), "{thawed}");
    assert_eq!((mark(&scene).await, status(&scene, &swap).await), (before, I::Open));
    // nor does it take anything back
    let mut successor = indexer(&scene).await;
    catch_up(&mut successor).await;
    let after = mark(&scene).await;
    scene.rpc.reorg(1).await.unwrap();
    assert!(matches!(step(&mut frozen).await, Err(IndexError::Store(StoreError::Fenced))));
    assert_eq!((mark(&scene).await, status(&scene, &swap).await), (after, I::Cancelled));
}

#[tokio::test]
async fn a_settlement_process_that_was_killed_reads_on_where_it_stopped() {
    let scene = Scene::start_as(Plan::default()).await;
    let (before, meanwhile) = (scene.swap(0, WETH), scene.swap(1, WETH));
    scene.post(&[&before, &meanwhile]).await;
    let mut first = scene.stack.serve("settlement").await.unwrap();
    until_marked(&scene).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    until(&scene, &before, I::Cancelled).await;
    first.process.kill9().unwrap();
    invalidate(&scene, 1, U256::ZERO, 1).await;
    // more than it would look back by itself
    scene.rpc.mine(30).await.unwrap();
    scene.rpc.reorg(3).await.unwrap();
    let _second = scene.stack.serve("settlement").await.unwrap();
    until(&scene, &meanwhile, I::Cancelled).await;
    until_marked(&scene).await;
}

async fn until(scene: &Scene, swap: &super::super::scene::Swap, wanted: I) {
    wait::until("the status", Duration::from_secs(20), || async {
        let found = status(scene, swap).await;
        if found == wanted { Ok(()) } else { Err(found.to_string()) }
    })
    .await
    .unwrap();
}

async fn until_marked(scene: &Scene) {
    wait::until("the mark", Duration::from_secs(20), || async {
        let query = "SELECT coalesce(max(number), 0) FROM log_mark";
        let number: i64 = sqlx::query_scalar(query).fetch_one(&scene.pool).await.unwrap();
        let head = head(scene).await.number as i64;
        if number == head { Ok(()) } else { Err(format!("{number} of {head}")) }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn nothing_is_read_before_it_has_its_confirmations() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let mut reader =
        indexer_on(&scene, scene.chain.clone(), |settings| settings.confirmations = 3).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    scene.rpc.mine(1).await.unwrap();
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &swap).await, I::Open);
    scene.rpc.mine(1).await.unwrap();
    assert_eq!(step(&mut reader).await.unwrap(), Walked::On);
    assert_eq!(status(&scene, &swap).await, I::Cancelled);
}

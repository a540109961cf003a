//! Fills: by another deployment on the same contract, and by the worker beside the reader.

use alloy::primitives::U256;
use domain::{
    Amount,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::{self, Pool};
use serde_json::json;
use tests::fixture;

use super::{
    super::scene::{Scene, Swap, WETH},
    catch_up, head, indexer, status, step, told,
};

/// The database of another deployment, which settles with lanes of its own.
async fn elsewhere() -> Pool {
    let url = fixture::database().await.unwrap();
    let config = infra::config::PostgresConfig {
        url: infra::config::Secret::new(url),
        ..Default::default()
    };
    pg::connect(&config).unwrap()
}

/// Has the other deployment settle the swaps.
async fn settle_elsewhere(scene: &mut Scene, other: &Pool, auction: u64, swaps: &[&Swap]) {
    let ours = std::mem::replace(&mut scene.pool, other.clone());
    scene.queue(auction, swaps).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    scene.pool = ours;
}

/// A swap that may be filled in parts, of which a bid takes `tenths`.
fn part(scene: &Scene, tenths: u64) -> Swap {
    let mut swap = scene.swap_as(0, WETH, |message| message["partiallyFillable"] = json!(true));
    take(&mut swap, tenths);
    swap
}

fn take(swap: &mut Swap, tenths: u64) {
    swap.sold = Amount::from(tenths * 10u64.pow(17));
    swap.bought = U256::from(tenths * 210_000_000);
}

#[tokio::test]
async fn a_fill_by_another_deployment_counts_once_however_often_its_log_is_read() {
    let mut scene = Scene::start(64).await;
    let (ours, theirs) = (scene.swap(0, WETH), scene.swap(1, WETH));
    scene.post(&[&ours]).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    settle_elsewhere(&mut scene, &elsewhere().await, 7, &[&ours, &theirs]).await;
    catch_up(&mut reader).await;

    let intent = scene.intent(&ours).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, ours.sell_amount()));
    assert_eq!(intent.evidence.unwrap().block, head(&scene).await);
    assert_eq!(scene.lines(&ours).await, ["filled"]);
    let events = scene.events().await;
    let (_, event) = events.iter().find(|(kind, _)| kind == "intent.filled").unwrap();
    assert_eq!((&event["id"], &event["complete"]), (&json!(ours.id), &json!(true)));
    assert_eq!(event.get("auction_id"), None, "it was no auction of ours");

    // as after a restore of an older copy: everything is read again
    scene.sql("DELETE FROM log_mark").await;
    let mut again = indexer(&scene).await;
    assert!(catch_up(&mut again).await > 0);
    assert_eq!(scene.intent(&ours).await.filled, ours.sell_amount());
    assert_eq!(told(&scene, "intent.filled").await, 1);
}

#[tokio::test]
async fn reveals_of_our_own_worker_are_left_to_it() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    scene.step_until(&worker, lease, S::RevealSent).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled.is_zero()), (I::Committed, true), "mined, not seen");
    scene.step_until(&worker, lease, S::Revealed).await;
    scene.rpc.mine(1).await.unwrap();
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
    assert_eq!(told(&scene, "intent.filled").await, 1);
    assert_eq!(scene.lines(&swap).await, ["committed", "filled"]);
}

#[tokio::test]
async fn a_reveal_of_a_commitment_that_this_database_has_lost_is_read_from_the_log() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let id = scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    scene.step_until(&worker, lease, S::RevealSent).await;
    // the copy that was restored is from before the commit
    scene.sql("DELETE FROM tx_attempt").await;
    scene.sql("DELETE FROM commitment").await;
    scene.sql("UPDATE settlement SET status = 'planned'").await;
    scene.sql("UPDATE intent SET status = 'matched'").await;
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &swap).await, I::Filled);
    // the worker tries its batch once more, and its bid fails: the fill stays
    scene.leases_run_out().await;
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert!(scene.row(id).await.results.unwrap()[0].failure.is_some());
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
}

#[tokio::test]
async fn a_part_filled_elsewhere_leaves_the_intent_in_its_batch_and_the_rest_fills_it() {
    let mut scene = Scene::start(64).await;
    let mut swap = part(&scene, 6);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    take(&mut swap, 4);
    settle_elsewhere(&mut scene, &elsewhere().await, 7, &[&swap]).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Committed, swap.sold));
    scene.step_until(&worker, lease, S::Revealed).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
    assert_eq!(told(&scene, "intent.filled").await, 2);
}

#[tokio::test]
async fn a_part_filled_elsewhere_is_told_with_what_is_left_and_a_reorg_takes_it_back() {
    let mut scene = Scene::start(64).await;
    let swap = part(&scene, 3);
    scene.post(&[&swap]).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    settle_elsewhere(&mut scene, &elsewhere().await, 7, &[&swap]).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Open, swap.sold));
    let told_last = scene.events().await.pop().unwrap();
    assert_eq!(told_last.0, "intent.opened");
    assert_eq!(told_last.1["filled"], json!(swap.sold));

    scene.rpc.reorg(1).await.unwrap();
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled.is_zero()), (I::Open, true));
    assert_eq!(scene.events().await.pop().unwrap().1["filled"], "0");
    assert_eq!(scene.lines(&swap).await, ["filled", "reopened", "reorged", "reopened"]);
}

#[tokio::test]
async fn a_fill_elsewhere_that_is_lost_in_a_reorg_and_mined_again_counts_once() {
    let mut scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    let other = elsewhere().await;
    settle_elsewhere(&mut scene, &other, 7, &[&swap]).await;
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &swap).await, I::Filled);

    scene.rpc.reorg(1).await.unwrap();
    assert_eq!(step(&mut reader).await.unwrap(), settlement::Walked::On);
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled.is_zero(), intent.evidence), (I::Open, true, None));
    let reveal: Vec<u8> = sqlx::query_scalar("SELECT raw FROM tx_attempt WHERE kind = 'reveal'")
        .fetch_one(&other)
        .await
        .unwrap();
    let raw = alloy::primitives::Bytes::from(reveal);
    scene.rpc("eth_sendRawTransaction", json!([raw])).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
    assert_eq!(intent.evidence.unwrap().block, head(&scene).await);
    assert_eq!(scene.lines(&swap).await, ["filled", "reorged", "reopened", "filled"]);
}

#[tokio::test]
async fn an_intent_of_ours_under_way_goes_back_to_its_batch_when_the_fill_elsewhere_is_lost() {
    let mut scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    let commit = scene.intent(&swap).await.evidence;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    settle_elsewhere(&mut scene, &elsewhere().await, 7, &[&swap]).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
    assert_ne!(intent.evidence, commit);

    scene.rpc.reorg(1).await.unwrap();
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.evidence), (I::Committed, commit), "as the worker left it");
    scene.step_until(&worker, lease, S::Revealed).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
}

#[tokio::test]
async fn a_bid_of_ours_that_comes_too_late_fails_and_leaves_the_fill_as_it_is() {
    let mut scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let id = scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    settle_elsewhere(&mut scene, &elsewhere().await, 7, &[&swap]).await;
    catch_up(&mut reader).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert!(scene.row(id).await.results.unwrap()[0].failure.is_some());
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.filled), (I::Filled, swap.sell_amount()));
    assert_eq!(told(&scene, "intent.filled").await, 1);
}

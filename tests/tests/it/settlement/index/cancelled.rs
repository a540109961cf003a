//! Owners who take their nonces away on chain.

use alloy::primitives::U256;
use domain::{
    AuctionId,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::{
    self,
    intent::{self, CancelOutcome},
};
use serde_json::json;
use tests::anvil::CHAIN_ID;

use super::{
    super::scene::{Scene, Swap, WETH},
    catch_up, head, indexer, invalidate, status, step, told,
};

/// As the wind-up of an auction that `swap` did not win.
async fn release(scene: &Scene, swap: &Swap) {
    let mut tx = pg::begin(&scene.pool).await.unwrap();
    intent::release(&mut tx, CHAIN_ID, AuctionId::new(9), &[swap.id], 1).await.unwrap();
    tx.commit().await.unwrap();
}

async fn cut(scene: &Scene, swap: &Swap) {
    let mut tx = pg::begin(&scene.pool).await.unwrap();
    let marked = intent::mark_cut(&mut tx, CHAIN_ID, AuctionId::new(9), &[swap.id]).await.unwrap();
    assert_eq!(marked, [swap.id]);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_owner_s_invalidation_cancels_the_intents_it_covers_and_no_others() {
    let scene = Scene::start(64).await;
    let (gone, kept, other) = (scene.swap(0, WETH), scene.swap(0, WETH), scene.swap(1, WETH));
    let far = scene.swap_as(0, WETH, |message| message["nonce"] = json!("515"));
    scene.post(&[&gone, &kept, &other, &far]).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    // words that no nonce has can be logged by anybody
    invalidate(&scene, 0, U256::MAX, u64::MAX).await;
    invalidate(&scene, 0, U256::ZERO, 0b101).await;
    let block = head(&scene).await;
    invalidate(&scene, 0, U256::from(2), 0b1000).await;
    catch_up(&mut reader).await;

    let intent = scene.intent(&gone).await;
    assert_eq!((intent.status, intent.auction_id), (I::Cancelled, None));
    assert_eq!(intent.evidence.unwrap().block, block, "cancelled only with evidence");
    assert_eq!(scene.lines(&gone).await, ["cancelled"]);
    assert_eq!(status(&scene, &far).await, I::Cancelled);
    for swap in [&kept, &other] {
        assert_eq!(status(&scene, swap).await, I::Open);
    }
    assert_eq!(told(&scene, "intent.cancelled").await, 2);
    let (_, event) = scene.events().await.into_iter().find(|e| e.0 == "intent.cancelled").unwrap();
    assert_eq!(event["id"], json!(gone.id));
}

#[tokio::test]
async fn an_intent_in_a_batch_stays_in_it_and_ends_cancelled_when_its_bid_fails() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Committed).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    let block = head(&scene).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.auction_id), (I::Committed, Some(AuctionId::new(1))));
    assert_eq!(intent.invalidated.unwrap().block, block);

    scene.step_until(&worker, lease, S::Revealed).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.auction_id), (I::Cancelled, None));
    assert_eq!(intent.evidence.unwrap().block, block);
    let lines = scene.lines(&swap).await;
    assert_eq!(lines, ["committed", "invalidated", "fill_failed", "cancelled"]);
    assert_eq!(told(&scene, "intent.cancelled").await, 1);
    assert_eq!(told(&scene, "intent.opened").await, 1, "it was never in the book again");
}

#[tokio::test]
async fn an_intent_that_an_auction_lets_go_does_not_come_back_without_its_nonce() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    scene.post(&[&swap]).await;
    cut(&scene, &swap).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &swap).await, I::Open, "its auction runs on");

    let both = (AuctionId::new(9), AuctionId::new(10));
    let mut conn = scene.pool.acquire().await.unwrap();
    let again = intent::recut(&mut conn, CHAIN_ID, both, &[swap.id]).await.unwrap();
    assert_eq!(again, [], "it is cut into no other auction");
    drop(conn);
    release(&scene, &swap).await;
    let intent = scene.intent(&swap).await;
    assert_eq!((intent.status, intent.evidence), (I::Cancelled, intent.invalidated));
}

#[tokio::test]
async fn a_reorg_that_removes_the_invalidation_brings_the_intent_back() {
    let scene = Scene::start(64).await;
    let (open, held) = (scene.swap(0, WETH), scene.swap(1, WETH));
    scene.post(&[&open, &held]).await;
    cut(&scene, &held).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    invalidate(&scene, 1, U256::ZERO, 1).await;
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &open).await, I::Cancelled);
    assert!(scene.intent(&held).await.invalidated.is_some());

    scene.rpc.reorg(2).await.unwrap();
    catch_up(&mut reader).await;
    let intent = scene.intent(&open).await;
    assert_eq!((intent.status, intent.evidence, intent.invalidated), (I::Open, None, None));
    assert_eq!(scene.lines(&open).await, ["cancelled", "reorged", "reopened"]);
    assert_eq!(told(&scene, "intent.opened").await, 3);
    release(&scene, &held).await;
    assert_eq!(status(&scene, &held).await, I::Open, "nothing is left of it");

    // and once more
    invalidate(&scene, 0, U256::ZERO, 1).await;
    catch_up(&mut reader).await;
    let intent = scene.intent(&open).await;
    assert_eq!((intent.status, intent.evidence.unwrap().block), (I::Cancelled, head(&scene).await));
}

#[tokio::test]
async fn what_was_also_cancelled_by_signature_or_replaced_does_not_come_back_after_a_reorg() {
    let scene = Scene::start(64).await;
    let (asked, replaced) = (scene.swap(0, WETH), scene.swap(1, WETH));
    let asked_later = scene.swap(0, WETH);
    scene.post(&[&asked, &asked_later, &replaced]).await;
    cut(&scene, &asked).await;
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 0, U256::ZERO, 0b11).await;
    invalidate(&scene, 1, U256::ZERO, 1).await;
    catch_up(&mut reader).await;
    let owner = scene.stack.owner(0).address();
    let mut tx = pg::begin(&scene.pool).await.unwrap();
    let both = [asked.id, asked_later.id];
    let answers = intent::cancel(&mut tx, CHAIN_ID, owner, &both).await.unwrap();
    assert!(matches!(answers[0], CancelOutcome::TooLate { .. }));
    assert_eq!(answers[1], CancelOutcome::AlreadyFinal(I::Cancelled));
    tx.commit().await.unwrap();
    release(&scene, &asked).await;
    assert_eq!(status(&scene, &asked).await, I::Cancelled);

    scene.rpc.reorg(2).await.unwrap();
    // the nonce is free again on chain, and its owner was faster than the reader
    let twin = scene.swap_as(1, 2 * WETH, |message| message["nonce"] = json!("0"));
    scene.post(&[&twin]).await;
    catch_up(&mut reader).await;
    for swap in [&asked, &asked_later, &replaced] {
        assert_eq!(status(&scene, swap).await, I::Cancelled);
    }
    assert_eq!(status(&scene, &twin).await, I::Open);
    assert_eq!(told(&scene, "intent.opened").await, 4, "nothing came back");
}

#[tokio::test]
async fn an_intent_posted_while_its_nonce_was_taken_away_is_found_a_block_later() {
    let scene = Scene::start(64).await;
    let swap = scene.swap(0, WETH);
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    invalidate(&scene, 0, U256::ZERO, 1).await;
    catch_up(&mut reader).await;
    // the API asked the node a block earlier
    scene.post(&[&swap]).await;
    step(&mut reader).await.unwrap();
    assert_eq!(status(&scene, &swap).await, I::Open);
    scene.rpc.mine(1).await.unwrap();
    catch_up(&mut reader).await;
    assert_eq!(status(&scene, &swap).await, I::Cancelled);
}

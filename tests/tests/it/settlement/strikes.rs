//! Owners who were short at a reveal, as the worker writes them down and takes them back.

use alloy::primitives::Address;
use domain::status::SettlementStatus as S;
use serde_json::Value;

use super::scene::{Scene, Swap, WETH};

/// More than an owner has: its fill fails by its fault.
const TOO_MUCH: u128 = 5_000 * WETH;

impl Scene {
    /// Whoever has a strike, by settlement.
    async fn struck(&self) -> Vec<(i64, Address)> {
        let query = "SELECT settlement_id, owner FROM strike ORDER BY settlement_id, owner";
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(query).fetch_all(&self.pool).await.unwrap();
        rows.into_iter().map(|(id, owner)| (id, Address::from_slice(&owner))).collect()
    }

    fn address(&self, owner: usize) -> Address {
        self.stack.owner(owner).address()
    }

    /// What the failure's line in an intent's timeline says of a strike.
    async fn failure_line(&self, swap: &Swap) -> Option<bool> {
        let query = "SELECT detail FROM timeline WHERE intent_id = $1 AND kind = 'fill_failed'";
        let query = sqlx::query_scalar(query).bind(swap.id.as_bytes());
        let detail: Value = query.fetch_one(&self.pool).await.unwrap();
        detail.get("struck").map(|struck| struck == &Value::Bool(true))
    }
}

#[tokio::test]
async fn of_several_owners_in_one_bid_only_the_one_that_was_short_is_struck() {
    let scene = Scene::start(64).await;
    let (fine, short) = (scene.swap(0, WETH), scene.swap(1, TOO_MUCH));
    scene.post(&[&fine, &short]).await;
    let id = scene.queue_bids(1, &[vec![&fine, &short]]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.struck().await, [(id, scene.address(1))]);
    assert_eq!(scene.failure_line(&short).await, Some(true), "its owner is told");
    assert_eq!(scene.failure_line(&fine).await, None);
}

#[tokio::test]
async fn a_reorg_of_the_reveal_takes_a_strike_back_and_the_next_reveal_brings_it_again() {
    let scene = Scene::start(64).await;
    let id = scene.queue(1, &[&scene.swap(1, TOO_MUCH)]).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    let struck = [(id, scene.address(1))];
    assert_eq!(scene.struck().await, struck);
    scene.rpc.reorg(1).await.unwrap();
    scene.step_until(&worker, lease, S::RevealSent).await;
    assert_eq!(scene.struck().await, []);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.struck().await, struck);
    // with its commit: a block without either is between them now
    scene.rpc.reorg(3).await.unwrap();
    scene.step_until(&worker, lease, S::Planned).await;
    assert_eq!(scene.struck().await, []);
    scene.step_until(&worker, lease, S::Revealed).await;
    assert_eq!(scene.struck().await, struck);
}

#[tokio::test]
async fn old_strikes_go_when_new_ones_come() {
    let scene = Scene::start(64).await;
    let worker = scene.worker();
    let mut rows = Vec::new();
    for (auction, owner) in [(1, 1), (2, 2)] {
        rows.push(scene.queue(auction, &[&scene.swap(owner, TOO_MUCH)]).await);
        let lease = scene.lease(&worker).await;
        scene.step_until(&worker, lease, S::Revealed).await;
        worker.release(lease).await;
        if auction == 1 {
            assert_eq!(scene.struck().await, [(rows[0], scene.address(1))]);
            scene.sql("UPDATE strike SET struck_at = struck_at - interval '3601 seconds'").await;
        }
    }
    assert_eq!(scene.struck().await, [(rows[1], scene.address(2))]);
}

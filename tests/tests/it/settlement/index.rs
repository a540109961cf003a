//! The reader of logs on a real node and a real database, driven by hand, one step at a time.

mod again;
mod cancelled;
mod filled;
mod outage;
mod penalised;
mod walk;

use std::time::Duration;

use alloy::primitives::{B256, U256};
use domain::{event::BlockRef, status::IntentStatus};
use infra::{
    chain::Chain,
    pg::{
        index::{self as store, Mark, Scope},
        lease::{self, Lease},
    },
};
use serde_json::Value;
use settlement::{IndexError, IndexSettings, Indexer, Walked};
use tests::{anvil::CHAIN_ID, rpc::calldata, wait};
use tokio_util::sync::CancellationToken;

use super::scene::{Scene, Swap};
use crate::audit::proxy::Proxy;

/// A reader as a process has it that has just become the leader.
pub(super) async fn indexer(scene: &Scene) -> Indexer {
    indexer_on(scene, scene.chain.clone(), |_| {}).await
}

/// One that reads through another node, or by other numbers.
async fn indexer_on(
    scene: &Scene,
    chain: Chain,
    change: impl FnOnce(&mut IndexSettings),
) -> Indexer {
    let mut settings = IndexSettings::of(&scene.stack.config().unwrap());
    change(&mut settings);
    Indexer::new(scene.pool.clone(), chain, settings, lead(scene).await)
}

/// The reader's lease, taken from whoever has it.
async fn lead(scene: &Scene) -> Lease {
    scene.sql("UPDATE lease SET expires_at = '-infinity'").await;
    let role = format!("index:{CHAIN_ID}");
    let held = lease::acquire(&scene.pool, &role, "test", Duration::from_secs(60)).await.unwrap();
    held.unwrap()
}

/// A node that lies in between.
async fn through(
    scene: &Scene,
    change: impl Fn(&Value, Value) -> Value + Send + Sync + 'static,
) -> (Proxy, Chain) {
    let proxy =
        Proxy::start(&scene.stack.anvil.url(), move |_, asked, answer| change(asked, answer)).await;
    let mut config = scene.stack.config().unwrap().chain;
    config.rpc_url = infra::config::Secret::new(proxy.url.clone());
    (proxy, Chain::connect(&config).unwrap())
}

pub(super) async fn step(indexer: &mut Indexer) -> Result<Walked, IndexError> {
    indexer.step(&CancellationToken::new()).await
}

/// Steps until there is nothing left to read; how many steps that were.
pub(super) async fn catch_up(indexer: &mut Indexer) -> usize {
    for steps in 0..2_000 {
        if step(indexer).await.unwrap() == Walked::Waiting {
            return steps;
        }
    }
    panic!("still reading");
}

async fn mark(scene: &Scene) -> Mark {
    let contract = scene.stack.market.settlement;
    let mut conn = scene.pool.acquire().await.unwrap();
    let scope = Scope { chain_id: CHAIN_ID, contract };
    store::mark(&mut conn, scope, u64::MAX).await.unwrap().unwrap()
}

async fn head(scene: &Scene) -> BlockRef {
    scene.chain.block_latest().await.unwrap().at
}

/// The owner numbered `owner` calls `invalidateNonces`, in a block when this returns.
async fn invalidate(scene: &Scene, owner: usize, word: U256, mask: u64) {
    let tx = invalidate_later(scene, owner, word, mask).await;
    wait::until("the transaction being mined", Duration::from_secs(20), || async {
        let receipt = scene.chain.receipt(tx).await.map_err(|error| error.to_string())?;
        receipt.map(drop).ok_or("pending".to_owned())
    })
    .await
    .unwrap();
}

/// The same, in the next block that is mined.
async fn invalidate_later(scene: &Scene, owner: usize, word: U256, mask: u64) -> B256 {
    let mask = B256::from(U256::from(mask));
    let data = calldata("invalidateNonces(uint256,uint256)", &[B256::from(word), mask]);
    let (owner, contract) = (scene.stack.owner(owner).address(), scene.stack.market.settlement);
    scene.rpc.send_as(owner, contract, data).await.unwrap()
}

async fn status(scene: &Scene, swap: &Swap) -> IntentStatus {
    scene.intent(swap).await.status
}

/// How often events of a kind were told.
async fn told(scene: &Scene, kind: &str) -> usize {
    scene.events().await.iter().filter(|(told, _)| told == kind).count()
}

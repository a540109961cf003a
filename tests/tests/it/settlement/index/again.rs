//! A batch of ours that two keys revealed after a reorg, of which only the second reveal settles: the
//! solver was paused at the first one, so its bid was not attempted there.

use alloy::primitives::B256;
use domain::status::{IntentStatus as I, SettlementStatus as S};
use infra::pg::settlement::RowLease;
use serde_json::{Value, json};
use settlement::Worker;
use tests::{client::PATIENCE, rpc::calldata, wait};

use super::{
    super::scene::{Scene, Swap, WETH},
    catch_up, head, indexer, status, step, told,
};

const ETHER: u128 = 10u128.pow(18);

struct Twice {
    scene: Scene,
    swap: Swap,
    worker: Worker,
    lease: RowLease,
}

impl Twice {
    /// A batch whose commits by both keys are in the chain, and its reveals in none of its blocks.
    async fn play() -> Self {
        let scene = Scene::start(64).await;
        let keys = [scene.key.clone(), scene.second_settler(1).await];
        let swap = scene.swap(0, WETH);
        scene.queue(1, &[&swap]).await;
        let worker = scene.worker_on(scene.node(), &keys, scene.settings);
        let lease = scene.lease(&worker).await;
        scene.step_until(&worker, lease, S::Revealed).await;
        scene.rpc.reorg(2).await.unwrap();
        scene.rpc.set_balance(keys[0].address(), 0).await.unwrap();
        scene.step_until(&worker, lease, S::Committed).await;
        scene.rpc.set_balance(keys[0].address(), 10 * ETHER).await.unwrap();
        let twice = Self { scene, swap, worker, lease };
        twice.send(0).await;
        twice.scene.rpc("evm_setAutomine", json!([false])).await;
        twice.scene.step_until(&twice.worker, lease, S::RevealSent).await;
        twice.scene.rpc("anvil_dropAllTransactions", json!([])).await;
        twice.scene.rpc("evm_setAutomine", json!([true])).await;
        twice
    }

    /// Brings a transaction of the worker's into the chain: the first key's commit and reveal are
    /// numbers 0 and 1, the second key's 2 and 3.
    async fn send(&self, n: usize) {
        let raw = self.scene.raw_transactions().await;
        let hash = self.scene.rpc.call("eth_sendRawTransaction", json!([raw[n]])).await.unwrap();
        self.mined(hash).await;
    }

    async fn mined(&self, hash: Value) {
        wait::until("the transaction being mined", PATIENCE, || async {
            let receipt = self.scene.rpc.call("eth_getTransactionReceipt", json!([hash])).await;
            match receipt.map_err(|error| error.to_string())? {
                Value::Null => Err("not yet".to_owned()),
                receipt if receipt["status"] == "0x1" => Ok(()),
                receipt => panic!("{receipt:#}"),
            }
        })
        .await
        .unwrap();
    }

    async fn pause(&self, paused: u8) {
        let market = &self.scene.stack.market;
        let solver = market.solvers[0].key.address().into_word();
        let data = calldata("setPaused(address,bool)", &[solver, B256::with_last_byte(paused)]);
        let operator = market.operator.address();
        let hash = self.scene.rpc.send_as(operator, market.settlement, data).await.unwrap();
        self.mined(json!(hash)).await;
    }

    /// The first key's reveal while the solver is paused, then the second key's.
    async fn reveal_both(&self) {
        self.pause(1).await;
        self.send(1).await;
        self.pause(0).await;
        self.send(3).await;
    }

    /// The worker goes by the first reveal, in which the bid failed.
    async fn record(&self) {
        self.scene.step_until(&self.worker, self.lease, S::Revealed).await;
        let results = self.scene.row(self.lease.id).await.results.unwrap();
        assert!(results[0].failure.is_some(), "{results:?}");
    }

    async fn is_filled_once(&self) {
        let intent = self.scene.intent(&self.swap).await;
        assert_eq!((intent.status, intent.filled), (I::Filled, self.swap.sell_amount()));
        assert_eq!(intent.evidence.unwrap().block, head(&self.scene).await);
    }
}

#[tokio::test]
async fn what_settles_only_in_the_later_of_two_reveals_of_ours_is_read_from_the_log() {
    let twice = Twice::play().await;
    let (scene, before) = (&twice.scene, twice.scene.usdc(0).await);
    let mut reader = indexer(scene).await;
    catch_up(&mut reader).await;
    twice.reveal_both().await;
    assert_eq!(scene.usdc(0).await - before, twice.swap.bought, "the owner is paid");
    twice.record().await;
    assert_ne!(status(scene, &twice.swap).await, I::Filled);
    catch_up(&mut reader).await;
    twice.is_filled_once().await;
    assert_eq!(told(scene, "intent.filled").await, 2, "once before the reorg, and once now");

    // a reorg takes the second reveal back, and its fill with it; then it is mined again
    scene.rpc.reorg(1).await.unwrap();
    step(&mut reader).await.unwrap();
    let intent = scene.intent(&twice.swap).await;
    assert!(intent.status != I::Filled && intent.filled.is_zero(), "{intent:?}");
    twice.send(3).await;
    catch_up(&mut reader).await;
    twice.is_filled_once().await;
}

#[tokio::test]
async fn the_later_reveal_counts_once_if_its_log_is_read_before_the_worker_saw_the_first() {
    let twice = Twice::play().await;
    let mut reader = indexer(&twice.scene).await;
    catch_up(&mut reader).await;
    twice.reveal_both().await;
    catch_up(&mut reader).await;
    twice.is_filled_once().await;
    twice.record().await;
    twice.is_filled_once().await;
}

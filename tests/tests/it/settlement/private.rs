//! Reveals through a private node first, and through the public one when that does not help.

use std::time::Duration;

use domain::status::{IntentStatus as I, SettlementStatus as S};
use infra::pg::settlement::RowLease;
use serde_json::{Value, json};
use settlement::{Progress, Worker};

use super::{
    proxy::{Fate, Proxy},
    scene::{Scene, WETH},
};

struct Stage {
    scene: Scene,
    private: Proxy,
    public: Proxy,
    worker: Worker,
}

impl Stage {
    /// A worker with a private node that does what `script` says, and three blocks of patience.
    async fn set(script: impl FnMut(&Value) -> Fate + Send + 'static) -> Self {
        let scene = Scene::start(64).await;
        let private = Proxy::start(&scene.stack.anvil.url()).await;
        private.script(script);
        let public = Proxy::start(&scene.stack.anvil.url()).await;
        let mut settings = scene.settings;
        (settings.private_blocks, settings.resend_after_blocks) = (3, 100);
        let node = scene.node_through(&public.url, &private.url);
        let worker = scene.worker_on(node, std::slice::from_ref(&scene.key), settings);
        Self { scene, private, public, worker }
    }

    async fn revealing(&self) -> RowLease {
        let lease = self.scene.lease(&self.worker).await;
        self.scene.step_until(&self.worker, lease, S::Committed).await;
        self.scene.rpc("evm_setAutomine", json!([false])).await;
        self.scene.step_until(&self.worker, lease, S::RevealSent).await;
        lease
    }

    /// (private_block, public_block) of every transaction, in the order they were written.
    async fn routes(&self) -> Vec<(Option<i64>, Option<i64>)> {
        let query = "SELECT private_block, public_block FROM tx_attempt ORDER BY id";
        sqlx::query_as(query).fetch_all(&self.scene.pool).await.unwrap()
    }
}

fn sent(proxy: &Proxy) -> Vec<Value> {
    let requests = proxy.asked("eth_sendRawTransaction");
    requests.into_iter().map(|mut request| request["params"][0].take()).collect()
}

#[tokio::test]
async fn a_reveal_that_the_private_node_gets_mined_is_never_public() {
    let stage = Stage::set(|_| Fate::Pass).await;
    let swap = stage.scene.swap(0, WETH);
    stage.scene.queue(1, &[&swap]).await;
    let lease = stage.scene.lease(&stage.worker).await;
    stage.scene.step_until(&stage.worker, lease, S::Revealed).await;
    assert_eq!(stage.scene.intent(&swap).await.status, I::Filled);
    let raw: Vec<Value> =
        stage.scene.raw_transactions().await.iter().map(|raw| json!(raw)).collect();
    assert_eq!(sent(&stage.public), raw[..1], "the commit");
    assert_eq!(sent(&stage.private), raw[1..], "the reveal");
    let routes = stage.routes().await;
    assert!(matches!(routes[..], [(None, Some(_)), (Some(_), None)]), "{routes:?}");
}

#[tokio::test]
async fn a_reveal_that_the_private_node_swallows_goes_public_after_some_blocks() {
    let stage = Stage::set(|_| Fate::Answer(json!(alloy::primitives::B256::ZERO))).await;
    let scene = &stage.scene;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let lease = stage.revealing().await;
    let at = scene.rpc.block_number().await.unwrap();
    for _ in 0..3 {
        assert_eq!(sent(&stage.public).len(), 1, "only the commit");
        assert_eq!(stage.worker.step(lease).await.unwrap(), Progress::Waiting);
        scene.rpc.mine(1).await.unwrap();
    }
    assert_eq!(scene.row(lease.id).await.status, S::RevealSent);
    stage.worker.step(lease).await.unwrap();
    assert_eq!(sent(&stage.public).last(), sent(&stage.private).last(), "the same bytes");
    let known = |block: u64| Some(i64::try_from(block).unwrap());
    assert_eq!(stage.routes().await[1], (known(at), known(at + 3)));
    scene.rpc.mine(1).await.unwrap();
    scene.step_until(&stage.worker, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
    assert_eq!(scene.attempts().await.len(), 2);
}

#[tokio::test]
async fn a_reveal_that_the_private_node_does_not_take_goes_public_at_once() {
    let refusals: [fn() -> Fate; 5] = [
        || Fate::Refuse(-32000, "we do not serve this account"),
        || Fate::Refuse(-32000, "transaction underpriced"),
        || Fate::Status(503),
        || Fate::Swallow,
        || Fate::Late(Duration::from_millis(2_500)),
    ];
    let stage = Stage::set(|_| Fate::Pass).await;
    for (n, refusal) in (1..).zip(refusals) {
        let swap = stage.scene.swap(0, WETH);
        stage.scene.queue(n, &[&swap]).await;
        stage.private.script(move |_| refusal());
        let lease = stage.scene.lease(&stage.worker).await;
        stage.scene.step_until(&stage.worker, lease, S::Revealed).await;
        stage.worker.release(lease).await;
        assert_eq!(stage.scene.intent(&swap).await.status, I::Filled);
        let routes = stage.routes().await;
        let (private, public) = routes.last().unwrap();
        assert!(private.is_some() && private == public, "{routes:?}");
    }
}

#[tokio::test]
async fn a_worker_that_starts_again_keeps_to_what_was_written_of_the_private_node() {
    let stage = Stage::set(|_| Fate::Answer(json!(alloy::primitives::B256::ZERO))).await;
    let scene = &stage.scene;
    let swap = scene.swap(0, WETH);
    scene.queue(1, &[&swap]).await;
    let lease = stage.revealing().await;
    scene.rpc.mine(1).await.unwrap();
    // with the private node: still private. Without one: nobody else is left
    let mut settings = scene.settings;
    (settings.private_blocks, settings.resend_after_blocks) = (3, 100);
    let node = scene.node_through(&stage.public.url, &stage.private.url);
    let again = scene.worker_on(node, std::slice::from_ref(&scene.key), settings);
    assert_eq!(again.step(lease).await.unwrap(), Progress::Waiting);
    assert_eq!(sent(&stage.public).len(), 1);
    let without = scene.worker_with(|settings| settings.resend_after_blocks = 100);
    assert_eq!(without.step(lease).await.unwrap(), Progress::Waiting);
    assert!(stage.routes().await[1].1.is_some());
    scene.rpc.mine(1).await.unwrap();
    scene.step_until(&without, lease, S::Revealed).await;
    assert_eq!(scene.intent(&swap).await.status, I::Filled);
}

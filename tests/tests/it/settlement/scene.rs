//! A stack without services, a market of decided batches, and a worker to drive by hand.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use alloy::primitives::{B256, Bytes, U256};
use domain::{
    AuctionId,
    signature::SigningKey,
    status::{IntentStatus, SettlementStatus},
};
use infra::{
    chain::Chain,
    config::Secret,
    pg::{
        self, Pool,
        intent::{self, StoredIntent},
        settlement::{self as store, Phase, RowLease, SettlementRow},
    },
};
use serde_json::{Value, json};
use settlement::{
    Node, Settings, Worker,
    deploy::{self, Sender},
    key::{LocalKey, SettlerKey},
};
pub(super) use tests::batches::Swap;
use tests::{
    anvil::CHAIN_ID,
    batches::Batches,
    orders::{Order, now_s},
    rpc::{Rpc, calldata},
    stack::{Plan, Stack},
    wait,
};

pub(super) const WETH: u128 = 10u128.pow(18);

pub(super) struct Scene {
    pub(super) stack: Stack,
    pub(super) rpc: Rpc,
    pub(super) pool: Pool,
    pub(super) chain: Chain,
    pub(super) key: Key,
    pub(super) settings: Settings,
    pub(super) max_delay: u64,
    batches: Batches,
}

pub(super) type Key = Arc<dyn SettlerKey>;

pub(super) fn key(secret: &[u8; 32]) -> Key {
    Arc::new(LocalKey::new(SigningKey::from_bytes(*secret).unwrap()))
}

impl Scene {
    pub(super) async fn start(max_delay: u32) -> Self {
        Self::start_as(Plan { max_delay, ..Plan::default() }).await
    }

    pub(super) async fn start_as(plan: Plan) -> Self {
        let max_delay = plan.max_delay;
        let stack = Stack::start(plan).await.unwrap();
        let config = stack.config().unwrap();
        let pool = pg::connect(&config.postgres).unwrap();
        let chain = Chain::connect(&config.chain).unwrap();
        let key: Key = Arc::new(LocalKey::new(stack.market.settler.key().clone()));
        let settings = settlement::settings(&config);
        let rpc = stack.rpc().unwrap();
        let (max_delay, batches) = (max_delay.into(), Batches::default());
        Self { stack, rpc, pool, chain, key, settings, max_delay, batches }
    }

    /// A worker as a freshly started process would have it.
    pub(super) fn worker(&self) -> Worker {
        self.worker_with(|_| {})
    }

    pub(super) fn worker_with(&self, change: impl FnOnce(&mut Settings)) -> Worker {
        let mut settings = self.settings;
        change(&mut settings);
        self.worker_on(self.node(), &[Arc::clone(&self.key)], settings)
    }

    /// A worker with these keys, that asks this node.
    pub(super) fn worker_on(&self, node: Node, keys: &[Key], settings: Settings) -> Worker {
        Worker::new(self.pool.clone(), node, keys.to_vec(), settings, self.max_delay)
    }

    pub(super) fn node(&self) -> Node {
        Node::new(self.chain.clone())
    }

    /// The same chain through another URL, waited for as long as `patience`.
    pub(super) fn node_at(&self, url: &str, patience: Duration) -> Node {
        Node::new(self.chain_at(url, patience))
    }

    /// The same, revealing through a private node; each is waited for a second.
    pub(super) fn node_through(&self, public: &str, private: &str) -> Node {
        let chain = self.chain_at(public, Duration::from_secs(1));
        let relay = chain.relay(&Secret::new(private), 4).unwrap();
        Node::new(chain).revealing_through(relay)
    }

    fn chain_at(&self, url: &str, patience: Duration) -> Chain {
        let mut config = self.stack.config().unwrap().chain;
        config.rpc_url = Secret::new(url);
        config.rpc_timeout_ms = u64::try_from(patience.as_millis()).unwrap();
        Chain::connect(&config).unwrap()
    }

    /// Another settler, with money and so many lanes.
    pub(super) async fn second_settler(&self, lanes: u32) -> Key {
        let key = key(&[0x2b; 32]);
        self.rpc.set_balance(key.address(), 10u128.pow(21)).await.unwrap();
        let operator = self.stack.market.operator.key().clone();
        let sender = Sender::connect(&self.stack.anvil.url(), operator).await.unwrap();
        let settlement = self.stack.market.settlement;
        deploy::open_lanes(&sender, settlement, key.address(), lanes).await.unwrap();
        key
    }

    /// Sells so much WETH for USDC.
    pub(super) fn swap(&self, owner: usize, sell: u128) -> Swap {
        self.swap_until(owner, sell, now_s() + 600)
    }

    /// The same, valid until so many Unix seconds.
    pub(super) fn swap_until(&self, owner: usize, sell: u128, valid_to: u64) -> Swap {
        let (weth, usdc) = (self.stack.token("WETH"), self.stack.token("USDC"));
        let order = Order { valid_to, ..Order::sell(weth, sell, usdc, 2_000_000_000) };
        self.batches.swap(&self.stack, owner, &order, 2_100_000_000).unwrap()
    }

    /// A swap whose signed message is another than usual.
    pub(super) fn swap_as(
        &self,
        owner: usize,
        sell: u128,
        change: impl FnOnce(&mut Value),
    ) -> Swap {
        let (weth, usdc) = (self.stack.token("WETH"), self.stack.token("USDC"));
        let order = Order::sell(weth, sell, usdc, 2_000_000_000);
        self.batches.swap_as(&self.stack, owner, &order, 2_100_000_000, change).unwrap()
    }

    /// Puts swaps into the book.
    pub(super) async fn post(&self, swaps: &[&Swap]) {
        self.batches.post(&self.pool, swaps).await.unwrap();
    }

    /// Writes what an auction writes when it is decided: intents matched, batch queued, a bid for
    /// each of the swaps.
    pub(super) async fn queue(&self, auction: u64, swaps: &[&Swap]) -> i64 {
        self.post(swaps).await;
        self.queue_again(auction, swaps).await
    }

    /// The same with intents that are in the book already.
    pub(super) async fn queue_again(&self, auction: u64, swaps: &[&Swap]) -> i64 {
        let bids: Vec<Vec<&Swap>> = swaps.iter().map(|swap| vec![*swap]).collect();
        self.queue_bids(auction, &bids).await
    }

    /// The same with bids of several swaps.
    pub(super) async fn queue_bids(&self, auction: u64, bids: &[Vec<&Swap>]) -> i64 {
        self.batches.decide(&self.stack, &self.pool, auction, bids).await.unwrap()
    }

    /// The lease of the one row that is waiting.
    pub(super) async fn lease(&self, worker: &Worker) -> RowLease {
        worker.claim(Phase::Sending, 1).await.unwrap().pop().expect("a row to lease")
    }

    /// Lets the time of every lease run out, as a killed worker leaves them.
    pub(super) async fn leases_run_out(&self) {
        self.sql("UPDATE settlement SET lease_until = '-infinity'").await;
    }

    pub(super) async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.pool).await.unwrap();
    }

    pub(super) async fn step_until(
        &self,
        worker: &Worker,
        lease: RowLease,
        wanted: SettlementStatus,
    ) {
        for _ in 0..12 {
            if self.row(lease.id).await.status == wanted {
                return;
            }
            worker.step(lease).await.unwrap();
        }
        panic!("{:?} instead of {wanted}", self.row(lease.id).await.status);
    }

    pub(super) async fn until(&self, auction: AuctionId, wanted: &[SettlementStatus]) {
        wait::until("settlement", Duration::from_secs(20), || async {
            let mut conn = self.pool.acquire().await.map_err(|e| e.to_string())?;
            let rows = store::of_auction(&mut conn, CHAIN_ID, auction).await;
            let status = rows.map_err(|e| e.to_string())?[0].status;
            if wanted.contains(&status) { Ok(()) } else { Err(status.to_string()) }
        })
        .await
        .unwrap();
    }

    pub(super) async fn row(&self, id: i64) -> SettlementRow {
        let mut conn = self.pool.acquire().await.unwrap();
        store::get(&mut conn, id).await.unwrap()
    }

    pub(super) async fn intent(&self, swap: &Swap) -> StoredIntent {
        let mut conn = self.pool.acquire().await.unwrap();
        intent::get(&mut conn, CHAIN_ID, swap.id).await.unwrap().unwrap()
    }

    /// Where the intent stands, having made sure that what it rests on is in the chain now:
    /// `committed` on a commit, `filled` on a reveal, `matched` on nothing.
    pub(super) async fn stands(&self, swap: &Swap) -> IntentStatus {
        let intent = self.intent(swap).await;
        match intent.status {
            IntentStatus::Committed | IntentStatus::Filled => {
                let evidence = intent.evidence.expect("evidence");
                let kind = "SELECT kind FROM tx_attempt WHERE hash = $1";
                let query = sqlx::query_scalar(kind).bind(evidence.tx.as_slice());
                let kind: String = query.fetch_one(&self.pool).await.unwrap();
                let wanted =
                    if intent.status == IntentStatus::Filled { "reveal" } else { "commit" };
                assert_eq!(kind, wanted);
                let receipt =
                    self.rpc.call("eth_getTransactionReceipt", json!([evidence.tx])).await;
                let block = receipt.unwrap()["blockHash"].clone();
                assert_eq!(block, json!(evidence.block.hash), "{:?}", intent.status);
            }
            IntentStatus::Matched => assert_eq!(intent.evidence, None),
            IntentStatus::Open | IntentStatus::Cancelled | IntentStatus::Expired => {}
        }
        intent.status
    }

    /// How many events of this kind were told.
    pub(super) async fn told(&self, kind: &str) -> usize {
        self.events().await.iter().filter(|(told, _)| told == kind).count()
    }

    /// Every event told so far, in order.
    pub(super) async fn events(&self) -> Vec<(String, Value)> {
        let query = "SELECT kind, body FROM event ORDER BY id";
        sqlx::query_as(query).fetch_all(&self.pool).await.unwrap()
    }

    /// The kinds of an intent's timeline after `posted`-like beginnings.
    pub(super) async fn lines(&self, swap: &Swap) -> Vec<String> {
        let query = "SELECT kind FROM timeline WHERE intent_id = $1 ORDER BY id OFFSET 1";
        let query = sqlx::query_scalar(query).bind(swap.id.as_bytes());
        query.fetch_all(&self.pool).await.unwrap()
    }

    /// The lane of every commitment, in the order they were made.
    pub(super) async fn lanes(&self) -> Vec<i64> {
        let query = "SELECT lane FROM commitment ORDER BY id";
        sqlx::query_scalar(query).fetch_all(&self.pool).await.unwrap()
    }

    /// Every salt.
    pub(super) async fn salts(&self) -> BTreeSet<Vec<u8>> {
        let salts = sqlx::query_scalar("SELECT salt FROM commitment").fetch_all(&self.pool).await;
        salts.unwrap().into_iter().collect()
    }

    /// The raw bytes of every transaction, in the order they were written.
    pub(super) async fn raw_transactions(&self) -> Vec<Bytes> {
        let query = "SELECT raw FROM tx_attempt ORDER BY id";
        let raw: Vec<Vec<u8>> = sqlx::query_scalar(query).fetch_all(&self.pool).await.unwrap();
        raw.into_iter().map(Bytes::from).collect()
    }

    /// The block of every transaction, in the order they were written.
    pub(super) async fn blocks(&self) -> Vec<i64> {
        let query = "SELECT block_number FROM tx_attempt ORDER BY id";
        sqlx::query_scalar(query).fetch_all(&self.pool).await.unwrap()
    }

    /// (kind, nonce, replacement, status) of every transaction, in the order they were written.
    pub(super) async fn attempts(&self) -> Vec<(String, i64, i16, String)> {
        let query = "SELECT kind, nonce, replacement, status FROM tx_attempt ORDER BY id";
        sqlx::query_as(query).fetch_all(&self.pool).await.unwrap()
    }

    /// USDC atoms of an owner.
    pub(super) async fn usdc(&self, owner: usize) -> U256 {
        let account = self.stack.owner(owner).address();
        self.rpc.token_balance(self.stack.token("USDC"), account).await.unwrap()
    }

    /// The contract's owner takes a lane away from the settler.
    pub(super) async fn close_lane(&self, lane: u8) {
        let market = &self.stack.market;
        let settler = market.settler.address().into_word();
        let data = calldata("closeLane(address,uint256)", &[settler, B256::with_last_byte(lane)]);
        let operator = market.operator.address();
        self.rpc.send_as(operator, market.settlement, data).await.unwrap();
    }

    /// The newest block's time, Unix seconds.
    pub(super) async fn head_s(&self) -> u64 {
        self.node().head().await.unwrap().timestamp_s
    }

    pub(super) async fn rpc(&self, method: &str, params: Value) {
        self.rpc.call(method, params).await.unwrap();
    }
}

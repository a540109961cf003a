//! A stack without services, a market of decided batches, and a worker to drive by hand.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy::primitives::{B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Intent, IntentId, OpenHash,
    auction::{OpeningRecord, Params},
    batch::{BatchBid, OwnerSignature, SignedBid, SignedIntent, encode},
    bid::{Bid, End, Leg, Terms},
    commitment::BatchHeader,
    event::BlockRef,
    signature::{EcdsaSignature, SigningKey},
    status::SettlementStatus,
};
use infra::{
    chain::Chain,
    pg::{
        self, Pool,
        intent::{self, NewIntent, StoredIntent},
        settlement::{self as store, NewSettlement, Phase, PlannedBid, RowLease, SettlementRow},
    },
};
use serde_json::Value;
use settlement::{
    Node, Settings, Worker,
    key::{LocalKey, SettlerKey},
};
use tests::{
    anvil::CHAIN_ID,
    market::PENALTY,
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
    pub(super) key: Arc<dyn SettlerKey>,
    pub(super) settings: Settings,
    max_delay: u64,
    bid_nonce: AtomicU64,
}

/// An owner's intent to sell WETH for USDC, and what an inventory pays for it.
pub(super) struct Swap {
    pub(super) id: IntentId,
    intent: Intent,
    signature: EcdsaSignature,
    /// What a bid takes of it, and pays for that.
    pub(super) sold: Amount,
    pub(super) bought: U256,
}

impl Swap {
    pub(super) fn sell_amount(&self) -> Amount {
        self.intent.sell_amount()
    }
}

pub(super) fn key(secret: &[u8; 32]) -> Arc<dyn SettlerKey> {
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
        let key: Arc<dyn SettlerKey> = Arc::new(LocalKey::new(stack.market.settler.key().clone()));
        let settings = settlement::settings(&config);
        let rpc = stack.rpc().unwrap();
        let (max_delay, bid_nonce) = (max_delay.into(), AtomicU64::new(0));
        Self { stack, rpc, pool, chain, key, settings, max_delay, bid_nonce }
    }

    /// A worker as a freshly started process would have it.
    pub(super) fn worker(&self) -> Worker {
        self.worker_with(|_| {})
    }

    pub(super) fn worker_with(&self, change: impl FnOnce(&mut Settings)) -> Worker {
        let mut settings = self.settings;
        change(&mut settings);
        let node = Node::new(self.chain.clone());
        Worker::new(self.pool.clone(), node, Arc::clone(&self.key), settings, self.max_delay)
    }

    pub(super) fn swap(&self, owner: usize, sell: u128) -> Swap {
        self.swap_as(owner, sell, |_| {})
    }

    /// A swap whose signed message is another than usual.
    pub(super) fn swap_as(
        &self,
        owner: usize,
        sell: u128,
        change: impl FnOnce(&mut Value),
    ) -> Swap {
        let (weth, usdc) = (self.stack.token("WETH"), self.stack.token("USDC"));
        let wallet = self.stack.owner(owner);
        let order = Order::sell(weth, sell, usdc, 2_000_000_000);
        let mut message = wallet.message(&order);
        change(&mut message);
        let posted = wallet.sign(self.stack.domain(), &message);
        let intent: Intent = serde_json::from_value(posted.body["intent"].clone()).unwrap();
        let signature = wallet.key().sign(posted.id.get());
        let (sold, bought) = (intent.sell_amount(), U256::from(2_100_000_000u64));
        Swap { id: posted.id, intent, signature, sold, bought }
    }

    /// Puts swaps into the book.
    pub(super) async fn post(&self, swaps: &[&Swap]) {
        let mut conn = self.pool.acquire().await.unwrap();
        let intents: Vec<NewIntent> = swaps.iter().map(|swap| new_intent(swap)).collect();
        intent::insert(&mut conn, CHAIN_ID, &intents).await.unwrap();
    }

    /// Writes what an auction writes when it is decided: intents matched, batch queued.
    pub(super) async fn queue(&self, auction: u64, swaps: &[&Swap]) -> i64 {
        self.post(swaps).await;
        self.queue_again(auction, swaps).await
    }

    /// The same with intents that are in the book already.
    pub(super) async fn queue_again(&self, auction: u64, swaps: &[&Swap]) -> i64 {
        let id = AuctionId::new(auction);
        let ids: Vec<IntentId> = swaps.iter().map(|swap| swap.id).collect();
        let mut tx = pg::begin(&self.pool).await.unwrap();
        pg::auction::insert(&mut tx, &opening(&self.stack, id), open_hash()).await.unwrap();
        sqlx::query("UPDATE auction SET status = 'decided' WHERE id = $1")
            .bind(auction as i64)
            .execute(&mut *tx)
            .await
            .unwrap();
        intent::mark_cut(&mut tx, CHAIN_ID, id, &ids).await.unwrap();
        intent::mark_matched(&mut tx, CHAIN_ID, id, &ids).await.unwrap();
        let new = self.batch(id, swaps);
        let settlement = store::insert(&mut tx, CHAIN_ID, &new).await.unwrap();
        tx.commit().await.unwrap();
        settlement
    }

    /// One bid of the first solver for each swap, all in one batch.
    fn batch(&self, auction: AuctionId, swaps: &[&Swap]) -> NewSettlement {
        let domain = self.stack.domain();
        let solver = &self.stack.market.solvers[0];
        let mut planned = Vec::new();
        let mut signed = Vec::new();
        for swap in swaps {
            let nonce = self.bid_nonce.fetch_add(1, Ordering::Relaxed);
            let terms = Terms {
                auction_id: auction,
                solver: solver.key.address(),
                filler: solver.filler,
                gas: 500_000,
                callback_gas: 0,
                penalty: PENALTY,
                valid_until: u32::try_from(now_s() + 600).unwrap(),
                nonce: nonce.into(),
                salt: B256::repeat_byte(7),
                client_bid_id: B256::ZERO,
            };
            let me = End::Intent(swap.id);
            let legs = vec![
                Leg { from: me, to: End::Filler, amount: swap.sold },
                Leg { from: End::Filler, to: me, amount: Amount::new(swap.bought) },
            ];
            let bid = Bid::new(terms, legs, Bytes::new()).unwrap();
            let id = bid.id(domain);
            let fills = bid.fills().to_vec();
            planned.push(PlannedBid {
                bid: id,
                solver: solver.key.address(),
                gas: 500_000,
                penalty: Amount::new(U256::from(PENALTY)),
                fills,
            });
            let bid = SignedBid { bid, signature: solver.key.key().sign(id.get()) };
            signed.push(BatchBid { signed: bid, shares: vec![2_500] });
        }
        let header = BatchHeader {
            auction,
            attempt: 1,
            open_hash: open_hash(),
            bids_root: B256::repeat_byte(2),
            bid_count: 5,
        };
        let intents: BTreeMap<IntentId, SignedIntent> =
            swaps.iter().map(|swap| (swap.id, signed_intent(swap))).collect();
        let batch = encode(&header, &signed, &intents).unwrap();
        NewSettlement { auction, attempt: 1, batch, bids: planned }
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

    pub(super) async fn rpc(&self, method: &str, params: Value) {
        self.rpc.call(method, params).await.unwrap();
    }
}

fn open_hash() -> OpenHash {
    OpenHash::new(B256::repeat_byte(1))
}

fn new_intent(swap: &Swap) -> NewIntent {
    NewIntent {
        id: swap.id,
        intent: swap.intent.clone(),
        signature: swap.signature.to_rsv().to_vec().into(),
        erc1271: false,
        created_at_ms: 1,
    }
}

fn signed_intent(swap: &Swap) -> SignedIntent {
    let signature = OwnerSignature::Ecdsa(swap.signature);
    SignedIntent { intent: swap.intent.clone(), signature }
}

fn opening(stack: &Stack, auction_id: AuctionId) -> OpeningRecord {
    OpeningRecord {
        auction_id,
        previous: OpenHash::new(B256::ZERO),
        chain_id: CHAIN_ID,
        settlement: stack.market.settlement,
        block: BlockRef { number: 1, hash: B256::ZERO },
        block_time_s: 1,
        opened_at_ms: 1,
        closes_at_ms: 2,
        params: Params::default(),
        prices: Vec::new(),
        intents: Vec::new(),
    }
}

//! A stack without services: the test is the api, and drives the market by hand.

use std::{
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use alloy::primitives::{B256, Bytes};
use auction::{AuctionError, Market, Step};
use domain::{
    Amount, AuctionId, Bid, Intent, IntentId,
    batch::SignedBid,
    bid::{End, Leg, Terms},
    intent::Bounds,
    status::AuctionStatus,
};
use infra::{
    chain::Chain,
    config::{Config, Secret},
    pg::{
        self, Pool,
        bid::PlacedBid,
        intent::{NewIntent, StoredIntent},
        lease::{self, Lease},
    },
    redis::{NewBid, Quotas, Stake, Store, Submitted},
};
use serde_json::Value;
use tests::{
    market::PENALTY,
    orders::{Order, now_s},
    stack::{Plan, Stack},
    wait,
};
use tokio_util::sync::CancellationToken;

use super::gate::Gate;

static NEXT: AtomicU64 = AtomicU64::new(1);

pub(super) struct House {
    pub(super) stack: Stack,
    pub(super) config: Arc<Config>,
    pub(super) pool: Pool,
    pub(super) queue: Store,
    pub(super) chain: Chain,
}

impl House {
    /// Windows of a second: long enough for the test to bid on a busy machine.
    pub(super) async fn start() -> Self {
        Self::with(Plan { window_ms: 1_000, max_delay: 16, ..Plan::default() }).await
    }

    pub(super) async fn with(plan: Plan) -> Self {
        let stack = Stack::start(plan).await.unwrap();
        stack.endless_lanes().await.unwrap();
        let config = Arc::new(stack.config().unwrap());
        let pool = pg::connect(&config.postgres).unwrap();
        let queue = Store::connect(&config.redis, config.chain.chain_id).unwrap();
        let chain = Chain::connect(&config.chain).unwrap();
        Self { stack, config, pool, queue, chain }
    }

    /// Puts a gate between this house, markets to come included, and its node.
    pub(super) async fn gate(&mut self) -> Gate {
        let gate = Gate::before(self.stack.anvil.url()).await;
        let mut config = (*self.config).clone();
        config.chain.rpc_url = Secret::new(gate.url());
        self.chain = Chain::connect(&config.chain).unwrap();
        self.config = Arc::new(config);
        gate
    }

    /// Everything that Redis knows is gone.
    pub(super) async fn forget_queue(&self) {
        let client = redis::Client::open(self.stack.redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    }

    pub(super) fn chain_id(&self) -> u64 {
        self.config.chain.chain_id
    }

    /// Takes the market's lease, from whoever has it.
    pub(super) async fn lead(&self) -> Market {
        sqlx::query("UPDATE lease SET expires_at = '-infinity'").execute(&self.pool).await.unwrap();
        let role = format!("auction:{}", self.chain_id());
        let lease = lease::acquire(&self.pool, &role, "test", Duration::from_secs(60)).await;
        self.market(lease.unwrap().unwrap()).await
    }

    pub(super) async fn market(&self, lease: Lease) -> Market {
        let (pool, queue, chain) = (self.pool.clone(), self.queue.clone(), self.chain.clone());
        Market::new(Arc::clone(&self.config), pool, queue, chain, lease).await.unwrap()
    }

    /// One WETH for at least 2,475 USDC; the reference price is 2,500.
    pub(super) fn one_weth(&self) -> Order {
        Order::sell(
            self.stack.token("WETH"),
            10u128.pow(18),
            self.stack.token("USDC"),
            2_475_000_000,
        )
    }

    /// Puts an intent into the book as the api does.
    pub(super) async fn accept(&self, owner: usize, order: &Order) -> IntentId {
        let posted = self.stack.owner(owner).intent(self.stack.domain(), order);
        let message = posted.body["intent"].as_object().unwrap();
        let signature: Bytes = serde_json::from_value(posted.body["signature"].clone()).unwrap();
        let new = NewIntent {
            id: posted.id,
            intent: Intent::parse(message, Bounds::any_time()).unwrap(),
            signature,
            erc1271: false,
            created_at_ms: now_s() * 1_000,
        };
        let mut conn = self.pool.acquire().await.unwrap();
        pg::intent::insert(&mut conn, self.chain_id(), &[new]).await.unwrap();
        posted.id
    }

    /// A bid of solver `n` that fills each intent from its filler: `(intent, sold, bought)`.
    pub(super) fn bid(
        &self,
        n: usize,
        auction: u64,
        fills: &[(IntentId, u128, u128)],
    ) -> SignedBid {
        let solver = &self.stack.market.solvers[n];
        let leg =
            |from, to, amount: u128| Leg { from, to, amount: amount.to_string().parse().unwrap() };
        let legs = fills.iter().flat_map(|(id, sold, bought)| {
            let intent = End::Intent(*id);
            [leg(intent, End::Filler, *sold), leg(End::Filler, intent, *bought)]
        });
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let terms = Terms {
            auction_id: AuctionId::new(auction),
            solver: solver.key.address(),
            filler: solver.filler,
            gas: 500_000,
            callback_gas: 0,
            penalty: PENALTY,
            valid_until: u32::try_from(now_s() + 600).unwrap(),
            nonce: Amount::from(number),
            salt: B256::with_last_byte(n as u8),
            client_bid_id: B256::from(alloy::primitives::U256::from(number)),
        };
        let bid = Bid::new(terms, legs.collect(), Bytes::new()).unwrap();
        let signature = solver.key.key().sign(bid.id(self.stack.domain()).get());
        SignedBid { bid, signature }
    }

    /// Queues a bid, as the api does first.
    pub(super) async fn queue(&self, auction: u64, signed: &SignedBid) -> Submitted {
        let (terms, id) = (signed.bid.terms(), signed.bid.id(self.stack.domain()));
        let body = serde_json::to_vec(signed).unwrap();
        let quotas = Quotas::from(&self.config.auction);
        let (solver, client_bid_id) = (terms.solver, terms.client_bid_id);
        let stake = Stake::default();
        let new = NewBid { solver, client_bid_id, id, body: &body, stake };
        self.queue.submit(AuctionId::new(auction), &new, &quotas).await.unwrap()
    }

    /// Makes a queued bid durable, as the api does next.
    pub(super) async fn keep(&self, auction: u64, signed: &SignedBid, queued: Submitted) {
        let Submitted::Queued { ms, seq } = queued else { panic!("not queued: {queued:?}") };
        let id = signed.bid.id(self.stack.domain());
        let placed =
            PlacedBid { auction: AuctionId::new(auction), id, ms, seq, signed: signed.clone() };
        let mut conn = self.pool.acquire().await.unwrap();
        pg::bid::insert(&mut conn, self.chain_id(), &[placed]).await.unwrap();
    }

    /// Queues a bid and makes it durable.
    pub(super) async fn submit(&self, auction: u64, signed: &SignedBid) {
        let queued = self.queue(auction, signed).await;
        self.keep(auction, signed, queued).await;
    }

    pub(super) async fn intent(&self, id: IntentId) -> StoredIntent {
        let mut conn = self.pool.acquire().await.unwrap();
        pg::intent::get(&mut conn, self.chain_id(), id).await.unwrap().unwrap()
    }

    pub(super) async fn auction(&self, id: u64) -> pg::auction::StoredAuction {
        let mut conn = self.pool.acquire().await.unwrap();
        let id = AuctionId::new(id);
        pg::auction::get(&mut conn, self.chain_id(), id).await.unwrap().unwrap()
    }

    /// Until an auction is published: it is counted beside the loop first.
    pub(super) async fn published(&self, id: u64) -> pg::auction::StoredAuction {
        wait::until("an auction being published", Duration::from_secs(20), || async {
            let auction = self.auction(id).await;
            match auction.status {
                AuctionStatus::Published => Ok(auction),
                other => Err(format!("{other:?}")),
            }
        })
        .await
        .unwrap()
    }

    pub(super) async fn auctions(&self) -> Vec<pg::auction::StoredAuction> {
        let mut conn = self.pool.acquire().await.unwrap();
        pg::auction::after(&mut conn, self.chain_id(), 0, 1_000).await.unwrap()
    }

    /// The kinds of an intent's timeline, oldest first, with their details.
    pub(super) async fn timeline(&self, id: IntentId) -> Vec<(String, Value)> {
        let mut conn = self.pool.acquire().await.unwrap();
        let lines = pg::timeline::of(&mut conn, id, 0, 1_000).await.unwrap();
        lines.into_iter().map(|(_, line)| (line.kind, line.detail)).collect()
    }

    pub(super) async fn kinds(&self, id: IntentId) -> Vec<String> {
        self.timeline(id).await.into_iter().map(|(kind, _)| kind).collect()
    }

    /// The kinds of all events about auctions, in the order they were written.
    pub(super) async fn events(&self) -> Vec<String> {
        let query = "SELECT kind FROM event WHERE kind LIKE 'auction.%' ORDER BY id";
        sqlx::query_scalar(query).fetch_all(&self.pool).await.unwrap()
    }

    /// How many transactions wrote the rows whose `xmin` the query selects.
    pub(super) async fn writers(&self, query: &'static str) -> usize {
        let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&self.pool).await.unwrap();
        rows.into_iter().collect::<std::collections::BTreeSet<_>>().len()
    }

    pub(super) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }
}

pub(super) async fn step(market: &mut Market) -> Result<Step, AuctionError> {
    market.step(&CancellationToken::new()).await
}

pub(super) fn opened(auction: u64) -> Step {
    Step::Opened(AuctionId::new(auction))
}

pub(super) fn concluded(auction: u64, next: Option<u64>) -> Step {
    Step::Concluded { auction: AuctionId::new(auction), next: next.map(AuctionId::new) }
}

//! An api in this process, and hands to move the market.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy::primitives::{Address, B256, Bytes, U256};
use auction::{Market, Step};
use domain::{
    Amount, AuctionId, Bid, BidId, IntentId,
    batch::SignedBid,
    bid::{End, Leg, Terms},
};
use infra::{
    chain::Chain,
    config::{Config, Secret},
    pg::{self, Pool, lease},
    redis::Store,
    relay, telemetry,
};
use serde_json::{Value, json};
use tests::{
    client::{Answer, Client},
    market::PENALTY,
    orders::{Order, Posted, now_s},
    stack::{Plan, Stack},
    wait,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::cable::{Cable, port};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Cables to the three stores of the api; the test's own hands do not go through them.
pub(super) struct Cables {
    pub(super) postgres: Cable,
    pub(super) redis: Cable,
    pub(super) chain: Cable,
}

pub(super) struct Edge {
    pub(super) client: Client,
    pub(super) url: String,
    pub(super) pool: Pool,
    pub(super) cables: Cables,
    pub(super) stop: CancellationToken,
    pub(super) served: Option<JoinHandle<Result<(), api::ApiError>>>,
    pub(super) stack: Stack,
    config: Arc<Config>,
    pub(super) queue: Store,
    chain: Chain,
    relayed: JoinHandle<()>,
}

impl Edge {
    pub(super) async fn start() -> Self {
        Self::with(Plan::default(), |_| {}).await
    }

    /// Windows long enough to bid in without haste.
    pub(super) async fn for_bids() -> Self {
        Self::with(Plan { solvers: 2, window_ms: 60_000, ..Plan::default() }, |_| {}).await
    }

    pub(super) async fn with(plan: Plan, change: impl FnOnce(&mut Config)) -> Self {
        let stack = Stack::start(plan).await.unwrap();
        let mut config = stack.config().unwrap();
        config.api.listen = "127.0.0.1:0".parse().unwrap();
        config.api.workers = 2;
        config.api.shutdown_ms = 2_000;
        config.chain.standing_ttl_ms = 0;
        change(&mut config);
        let own = Arc::new(config.clone());
        let pool = pg::connect(&own.postgres).unwrap();
        let queue = Store::connect(&own.redis, own.chain.chain_id).unwrap();
        let chain = Chain::connect(&own.chain).unwrap();

        let cables = plug_in(&mut config).await;
        let config = Arc::new(config);
        let stop = CancellationToken::new();
        let deps = api::Deps {
            pool: pg::connect(&config.postgres).unwrap(),
            redis: Store::connect(&config.redis, config.chain.chain_id).unwrap(),
            chain: Chain::connect(&config.chain).unwrap(),
            receipt_key: stack.market.receipts.key().clone(),
            metrics: telemetry::metrics().unwrap(),
            config,
        };
        let relayed = tokio::spawn(relay::run(
            deps.pool.clone(),
            deps.redis.clone(),
            infra::config::LeaseConfig { ttl_ms: 900, renew_ms: 200 },
            stop.clone(),
        ));
        let bound = api::bind(deps).unwrap();
        let url = format!("http://{}", bound.address());
        let served = tokio::spawn(bound.run(stop.clone()));
        let client = Client::new(&url).unwrap();
        let edge = Self {
            client,
            url,
            pool,
            cables,
            stop,
            served: Some(served),
            stack,
            config: own,
            queue,
            chain,
            relayed,
        };
        edge.until_ready().await;
        edge
    }

    pub(super) async fn until_ready(&self) {
        wait::until("the api being ready", Duration::from_secs(20), || async {
            match self.client.get("/health/ready").await {
                Ok(answer) if answer.status == 200 => Ok(()),
                Ok(answer) => Err(answer.body.to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await
        .unwrap();
    }

    /// One WETH for at least 2,475 USDC; the reference price is 2,500.
    pub(super) fn one_weth(&self) -> Order {
        let (weth, usdc) = (self.stack.token("WETH"), self.stack.token("USDC"));
        Order::sell(weth, 10u128.pow(18), usdc, 2_475_000_000)
    }

    pub(super) fn signed(&self, owner: usize) -> Posted {
        self.stack.owner(owner).intent(self.stack.domain(), &self.one_weth())
    }

    /// An intent in the book.
    pub(super) async fn accepted(&self, owner: usize) -> IntentId {
        let posted = self.signed(owner);
        let answer = self.client.post("/v1/intents", &posted.body).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        posted.id
    }

    pub(super) async fn cancel(&self, owner: usize, ids: &[IntentId]) -> Answer {
        let body = self.stack.owner(owner).cancel(self.stack.domain(), ids);
        self.client.post("/v1/intents/cancel", &body).await.unwrap()
    }

    /// The market, led by the test.
    pub(super) async fn lead(&self) -> Market {
        let role = format!("auction:{}", self.config.chain.chain_id);
        let lease = lease::acquire(&self.pool, &role, "test", Duration::from_secs(120)).await;
        let (pool, queue, chain) = (self.pool.clone(), self.queue.clone(), self.chain.clone());
        let lease = lease.unwrap().unwrap();
        Market::new(Arc::clone(&self.config), pool, queue, chain, lease).await.unwrap()
    }

    /// Opens the first window with what is in the book.
    pub(super) async fn open(&self) -> (Market, u64) {
        let mut market = self.lead().await;
        match step(&mut market).await {
            Step::Opened(auction) => (market, auction.get()),
            other => panic!("{other:?}"),
        }
    }

    /// A bid of solver `n` that fills one intent from its filler.
    pub(super) fn bid(&self, n: usize, auction: u64, fill: (IntentId, u128, u128)) -> Draft {
        let solver = &self.stack.market.solvers[n];
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
            salt: B256::repeat_byte(7),
            client_bid_id: B256::from(U256::from(number)),
        };
        let (intent, sold, bought) = fill;
        let intent = End::Intent(intent);
        let legs = vec![leg(intent, End::Filler, sold), leg(End::Filler, intent, bought)];
        Draft { terms, legs }
    }

    /// The draft, signed by solver `n`: its id and the body to post.
    pub(super) fn sign(&self, n: usize, draft: Draft) -> (BidId, Value) {
        let bid = Bid::new(draft.terms, draft.legs, Bytes::new()).unwrap();
        let id = bid.id(self.stack.domain());
        let signature = self.stack.market.solvers[n].key.key().sign(id.get());
        (id, serde_json::to_value(SignedBid { bid, signature }).unwrap())
    }

    pub(super) async fn post_bid(&self, auction: u64, body: &Value) -> Answer {
        self.client.post(&format!("/v1/auctions/{auction}/bids"), body).await.unwrap()
    }

    /// A transaction of `from`, in a block when this returns.
    pub(super) async fn transact(&self, from: Address, to: Address, data: Bytes) {
        let rpc = self.stack.rpc().unwrap();
        let hash = rpc.send_as(from, to, data).await.unwrap();
        wait::until("the transaction being mined", Duration::from_secs(20), || async {
            let receipt = rpc.call("eth_getTransactionReceipt", json!([hash])).await;
            match receipt.map_err(|error| error.to_string())? {
                Value::Null => Err("not yet".to_owned()),
                receipt if receipt["status"] == "0x1" => Ok(()),
                receipt => panic!("{receipt:#}"),
            }
        })
        .await
        .unwrap();
    }

    /// Stops the api and waits for its end.
    pub(super) async fn shut_down(&mut self) {
        self.stop.cancel();
        self.served.take().unwrap().await.unwrap().unwrap();
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.stop.cancel();
        self.relayed.abort();
        if let Some(served) = self.served.take() {
            served.abort();
        }
    }
}

/// A bid before it is signed.
pub(super) struct Draft {
    pub(super) terms: Terms,
    pub(super) legs: Vec<Leg>,
}

pub(super) fn leg(from: End, to: End, amount: u128) -> Leg {
    Leg { from, to, amount: amount.to_string().parse().unwrap() }
}

pub(super) async fn step(market: &mut Market) -> Step {
    market.step(&CancellationToken::new()).await.unwrap()
}

pub(super) fn checksum(address: Address) -> String {
    address.to_checksum(None)
}

async fn plug_in(config: &mut Config) -> Cables {
    let [postgres, redis, chain] = [&config.postgres.url, &config.redis.url, &config.chain.rpc_url]
        .map(|url| (url.expose().to_owned(), port(url.expose())));
    let cables = Cables {
        postgres: Cable::to(postgres.1).await,
        redis: Cable::to(redis.1).await,
        chain: Cable::to(chain.1).await,
    };
    config.postgres.url = Secret::new(cables.postgres.through(&postgres.0, postgres.1));
    config.redis.url = Secret::new(cables.redis.through(&redis.0, redis.1));
    config.chain.rpc_url = Secret::new(cables.chain.through(&chain.0, chain.1));
    cables
}

/// Asserts a problem+json body with this status and code, and returns it.
#[track_caller]
pub(super) fn problem(answer: Answer, status: u16, code: &str) -> Value {
    let body = answer.body;
    assert_eq!((answer.status, body["code"].as_str()), (status, Some(code)), "{body:#}");
    assert_eq!(body["status"], status);
    assert_eq!(body["type"], format!("urn:gavel:problem:{code}"));
    assert!(
        body["title"].is_string() && body["detail"].is_string() && body["retryable"].is_boolean()
    );
    body
}

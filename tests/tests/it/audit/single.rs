//! One auction over one intent, with bids made by hand.

use std::time::Duration;

use alloy::primitives::{B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Bid, IntentId,
    auction::PublicRecord,
    batch::SignedBid,
    bid::{End, Leg, Terms},
};
use serde_json::{Value, json};
use tests::{
    client::{Client, PATIENCE},
    market::PENALTY,
    orders::{Order, now_s},
    rpc::Rpc,
    stack::{Plan, Service, Stack},
    wait,
};

use super::{audit, line};

pub(super) const WETH: u128 = 10u128.pow(18);

/// A market whose one intent is in an auction that takes bids.
pub(super) struct Single {
    pub(super) stack: Stack,
    pub(super) api: Service,
    pub(super) client: Client,
    pub(super) auction: u64,
    pub(super) intent: IntentId,
}

impl Single {
    /// One WETH for at least 2,475 USDC, posted to a process of these roles.
    pub(super) async fn open(stack: Stack, roles: &str) -> Self {
        let api = stack.serve(roles).await.unwrap();
        let client = Client::new(&api.api_url).unwrap();
        let order = Order::sell(stack.token("WETH"), WETH, stack.token("USDC"), 2_475_000_000);
        let posted = stack.owner(0).intent(stack.domain(), &order);
        let answer = client.post("/v1/intents", &posted.body).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        Self { stack, api, client, auction: 0, intent: posted.id }
    }

    /// The same, in the auction of a market of one process.
    pub(super) async fn held(stack: Stack) -> Self {
        let mut single = Self::open(stack, "api,auction,settlement").await;
        single.auction = single.holding().await;
        single
    }

    pub(super) fn plan() -> Plan {
        Plan { solvers: 2, window_ms: 3_000, ..Plan::default() }
    }

    pub(super) fn rpc(&self) -> Rpc {
        self.stack.rpc().unwrap()
    }

    /// The auction as the API shows it.
    pub(super) async fn view(&self) -> Value {
        self.client.get(&format!("/v1/auctions/{}", self.auction)).await.unwrap().body
    }

    /// The auction whose window is open with the intent in it.
    pub(super) async fn holding(&self) -> u64 {
        let path = format!("/v1/intents/{}", self.intent);
        let held = wait::until("the intent being in an auction", PATIENCE, || async {
            let view = self.client.get(&path).await.map_err(|error| error.to_string())?.body;
            view["auction_id"].as_u64().ok_or_else(|| view.to_string())
        });
        held.await.unwrap()
    }

    /// Solver `n` buys it for so many atoms.
    pub(super) async fn bid(&self, n: usize, bought: u128) {
        let solver = &self.stack.market.solvers[n];
        let terms = Terms {
            auction_id: AuctionId::new(self.auction),
            solver: solver.key.address(),
            filler: solver.filler,
            gas: 500_000,
            callback_gas: 0,
            penalty: PENALTY,
            valid_until: u32::try_from(now_s() + 900).unwrap(),
            nonce: Amount::from(1u64),
            salt: B256::repeat_byte(3),
            client_bid_id: B256::from(U256::from(n)),
        };
        let leg =
            |from, to, amount: u128| Leg { from, to, amount: amount.to_string().parse().unwrap() };
        let end = End::Intent(self.intent);
        let legs = vec![leg(end, End::Filler, WETH), leg(End::Filler, end, bought)];
        let bid = Bid::new(terms, legs, Bytes::new()).unwrap();
        let signature = solver.key.key().sign(bid.id(self.stack.domain()).get());
        let path = format!("/v1/auctions/{}/bids", self.auction);
        let answer = self.client.post(&path, &json!(SignedBid { bid, signature })).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
    }

    /// Until so many transactions wait to be mined.
    pub(super) async fn pending(&self, what: &str, least: u64) {
        let rpc = self.rpc();
        let waiting = wait::until(what, PATIENCE, || async {
            let status = rpc.call("txpool_status", json!([])).await.map_err(|e| e.to_string())?;
            let pending: U256 = serde_json::from_value(status["pending"].clone()).unwrap();
            if pending >= U256::from(least) { Ok(()) } else { Err(status.to_string()) }
        });
        waiting.await.unwrap();
    }

    /// Until the auction is published; its record.
    pub(super) async fn published(&self) -> PublicRecord {
        let patience = Duration::from_secs(30);
        let published = wait::until("the auction being published", patience, || async {
            let view = self.view().await;
            if view["status"] == "published" { Ok(()) } else { Err(view.to_string()) }
        });
        published.await.unwrap();
        self.export().await
    }

    pub(super) async fn export(&self) -> PublicRecord {
        let client = solvers::client::Client::new(&self.api.api_url).unwrap();
        client.export(AuctionId::new(self.auction)).await.unwrap()
    }

    /// What the audit says of all there is by the node at `rpc`, or by ours.
    pub(super) async fn audited(&self, rpc: Option<&str>, strict: bool) -> (i32, String, String) {
        let own = self.stack.anvil.url();
        let to = self.auction.to_string();
        let flags = [("api", self.api.api_url.as_str()), ("rpc", rpc.unwrap_or(&own)), ("to", &to)];
        let mut flags = line(&flags);
        flags.extend(strict.then(|| "--strict".to_owned()));
        audit(flags).await
    }
}

//! A market that ran for a while: intents, reference solvers, a solver of our own that keeps its
//! receipts, a bid that cannot settle, and settlements on chain.

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Bid, BidId, IntentId,
    auction::{PublicRecord, Ruling},
    batch::SignedBid,
    bid::{End, Leg, Terms},
};
use serde_json::{Value, json};
use solvers::wire::Receipt;
use tempfile::TempDir;
use tests::{
    client::{Client, PATIENCE},
    market::PENALTY,
    orders::{Order, now_s},
    process::Process,
    stack::{Plan, Service, Stack},
    wait,
};

const WETH: u128 = 10u128.pow(18);
/// Auctions of ours that settle.
const ROUNDS: usize = 4;
/// What the owner that is a contract accepts for a signature of whatever it is asked about.
const ACCEPTED: &str = "0x0102030405";
/// Its runtime code: ERC-1271's magic value if the signature's word is that one, else zero.
const CONTRACT: &str = "0x64010203040560d81b60643514631626ba7e0260e01b60005260206000f3";

pub(super) struct History {
    pub(super) api: String,
    pub(super) rpc: String,
    /// Every auction of ours, each settled.
    pub(super) settled: Vec<u64>,
    /// The auction that is tampered with: four bids of ours, one of which fails its simulation.
    pub(super) target: u64,
    pub(super) record: PublicRecord,
    /// An auction that settled an intent of an owner that is a contract.
    pub(super) by_contract: u64,
    /// In how many auctions intents of the contract are.
    pub(super) of_contract: usize,
    /// That owner.
    pub(super) contract: Address,
    pub(super) reveal: B256,
    pub(super) commitment: B256,
    /// Ours, the target's first.
    pub(super) receipts: Vec<Receipt>,
    /// Our solver's account.
    pub(super) solver: Address,
    /// Its key.
    pub(super) key: String,
    pub(super) folder: TempDir,
    _solver: Process,
    _service: Service,
    _stack: Stack,
}

struct Player<'a> {
    stack: &'a Stack,
    client: Client,
    number: u64,
    by_contract: usize,
}

impl History {
    pub(super) async fn play() -> Self {
        let plan = Plan { owners: 8, solvers: 2, window_ms: 2_000, ..Plan::default() };
        let stack = Stack::start(plan).await.unwrap();
        // with the balances and approvals that it has as an owner like the others
        let code = json!([stack.owner(0).address(), CONTRACT]);
        stack.rpc().unwrap().call("anvil_setCode", code).await.unwrap();
        let service = stack.serve("api,auction,settlement").await.unwrap();
        let solver = stack.solver("inventory", 0, &service.api_url).unwrap();
        let client = Client::new(&service.api_url).unwrap();
        let mut player =
            Player { stack: &stack, client: client.clone(), number: 0, by_contract: 0 };
        let (mut settled, mut receipts) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let (auction, mine) = player.round(round).await;
            settled.push(auction);
            receipts.splice(0..0, mine);
        }
        let (by_contract, target) = (settled[0], *settled.last().unwrap());
        let sdk = solvers::client::Client::new(&service.api_url).unwrap();
        let record = sdk.export(AuctionId::new(target)).await.unwrap();
        let view = sdk.auction(AuctionId::new(target)).await.unwrap();
        let settlement = view.settlements.first().unwrap();
        let (reveal, commitment) = (settlement.reveal_tx.unwrap(), settlement.commitment.unwrap());
        let history = Self {
            api: service.api_url.clone(),
            rpc: stack.anvil.url(),
            settled,
            target,
            record,
            by_contract,
            of_contract: player.by_contract,
            contract: stack.owner(0).address(),
            reveal,
            commitment,
            receipts,
            solver: stack.market.solvers[1].key.address(),
            key: stack.market.solvers[1].key.secret_hex(),
            folder: tempfile::tempdir().unwrap(),
            _solver: solver,
            _service: service,
            _stack: stack,
        };
        let text = serde_json::to_string(&history.receipts).unwrap();
        std::fs::write(history.receipts_file(), text).unwrap();
        history
    }

    pub(super) fn receipts_file(&self) -> String {
        self.folder.path().join("receipts.json").display().to_string()
    }

    /// A bid of the target that kept every rule, and lost.
    pub(super) fn losing(&self) -> BidId {
        let verdicts = &self.record.contents.as_ref().unwrap().verdicts;
        let lost = verdicts.iter().find(|found| matches!(found.ruling, Ruling::Lost { .. }));
        lost.unwrap_or_else(|| panic!("nobody lost: {verdicts:#?}")).bid
    }

    /// A bid of the target that did not win, of a solver none of whose bids failed.
    pub(super) fn bystander(&self) -> BidId {
        let winners = &self.record.decision.as_ref().unwrap().winners;
        let mut bids = self.record.contents.as_ref().unwrap().bids.iter();
        let foreign = bids
            .find(|bid| bid.signed.bid.terms().solver != self.solver && !winners.contains(&bid.id));
        foreign.expect("the other solver bids on more than it wins").id
    }
}

impl Player<'_> {
    /// Two intents in one auction with four bids of ours, and its settlement.
    async fn round(&mut self, round: usize) -> (u64, Vec<Receipt>) {
        let (auction, [other, intent]) = loop {
            let intents = self.post(round).await;
            let held = [self.holding(intents[0]).await, self.holding(intents[1]).await];
            if held[0] == held[1] {
                break (held[0], intents);
            }
            // the cut came between them: others fill these
        };
        // worse than others, the best, as good as that; and more than its filler can pay
        let mut receipts = Vec::new();
        for bought in [2_480_000_000, 2_498_000_000, 2_498_000_000] {
            receipts.push(self.bid(auction, intent, bought).await);
        }
        receipts.push(self.bid(auction, other, 900_000_000_000_000).await);
        self.client.wait_for(intent, "filled").await.unwrap();
        self.published(auction).await;
        (auction, receipts)
    }

    /// Two intents of a round's owners.
    async fn post(&mut self, round: usize) -> [IntentId; 2] {
        let (weth, usdc) = (self.stack.token("WETH"), self.stack.token("USDC"));
        let order = Order::sell(weth, WETH, usdc, 2_475_000_000);
        let posted = [2 * round, 2 * round + 1].map(|owner| {
            let mut posted = self.stack.owner(owner).intent(self.stack.domain(), &order);
            if owner == 0 {
                self.by_contract += 1;
                posted.body["signature"] = json!(ACCEPTED);
            }
            (posted.id, posted.body)
        });
        for (_, body) in &posted {
            let answer = self.client.post("/v1/intents", body).await.unwrap();
            assert_eq!(answer.status, 201, "{:#}", answer.body);
        }
        posted.map(|(id, _)| id)
    }

    /// The auction whose window is open with this intent in it.
    async fn holding(&self, intent: IntentId) -> u64 {
        let path = format!("/v1/intents/{intent}");
        let held = wait::until("the intent being in an auction", PATIENCE, || async {
            let view = self.client.get(&path).await.map_err(|error| error.to_string())?.body;
            view["auction_id"].as_u64().ok_or_else(|| view.to_string())
        });
        held.await.unwrap()
    }

    async fn published(&self, auction: u64) {
        let path = format!("/v1/auctions/{auction}");
        let published =
            wait::until("the auction being published", Duration::from_secs(30), || async {
                let view = self.client.get(&path).await.map_err(|error| error.to_string())?.body;
                if view["status"] == "published" { Ok(()) } else { Err(view["status"].to_string()) }
            });
        published.await.unwrap();
    }

    async fn bid(&mut self, auction: u64, intent: IntentId, bought: u128) -> Receipt {
        self.number += 1;
        let solver = &self.stack.market.solvers[1];
        let terms = Terms {
            auction_id: AuctionId::new(auction),
            solver: solver.key.address(),
            filler: solver.filler,
            gas: 500_000,
            callback_gas: 0,
            penalty: PENALTY,
            valid_until: u32::try_from(now_s() + 900).unwrap(),
            nonce: Amount::from(self.number),
            salt: B256::repeat_byte(3),
            client_bid_id: B256::from(U256::from(self.number)),
        };
        let leg =
            |from, to, amount: u128| Leg { from, to, amount: amount.to_string().parse().unwrap() };
        let end = End::Intent(intent);
        let legs = vec![leg(end, End::Filler, WETH), leg(End::Filler, end, bought)];
        let bid = Bid::new(terms, legs, Bytes::new()).unwrap();
        let signature = solver.key.key().sign(bid.id(self.stack.domain()).get());
        let body: Value = json!(SignedBid { bid, signature });
        let path = format!("/v1/auctions/{auction}/bids");
        let answer = self.client.post(&path, &body).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        serde_json::from_value(answer.body["receipt"].clone()).unwrap()
    }
}

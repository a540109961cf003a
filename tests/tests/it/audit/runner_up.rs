//! An auction whose winner fails on chain, whose leader is killed before it can decide over that, and
//! whose second attempt settles under the next leader: it passes its audit, and every tampered
//! copy of that attempt fails by name.

use std::process::{Command, Output};

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolEvent as _,
};
use domain::{
    Amount, AuctionId, Bid, IntentId,
    auction::{Announced, PublicRecord, RunnerUp},
    batch::SignedBid,
    bid::{End, Leg, Terms},
    event::{BlockRef, Fault},
};
use infra::chain::abi;
use serde_json::{Value, json};
use tests::{
    client::{Client, PATIENCE},
    market::PENALTY,
    orders::{Order, now_s},
    repo,
    rpc::{Rpc, calldata},
    stack::{Plan, Service, Stack},
    wait,
};

use super::{audit, line, line_of, proxy::Proxy, proxy::rpc_method};

const WETH: u128 = 10u128.pow(18);

struct Drama {
    stack: Stack,
    api: Service,
    client: Client,
    auction: u64,
    intent: IntentId,
}

impl Drama {
    async fn play() -> Self {
        let quick = [
            ("lease.ttl_ms", "1500"),
            ("lease.renew_ms", "300"),
            ("postgres.acquire_timeout_ms", "1000"),
        ];
        let settings = quick.map(|(key, value)| (key, value.to_owned())).to_vec();
        let plan = Plan { solvers: 2, window_ms: 3_000, settings, ..Plan::default() };
        let stack = Stack::start(plan).await.unwrap();
        let api = stack.serve("api,settlement").await.unwrap();
        let mut leader = stack.serve("auction").await.unwrap();
        let client = Client::new(&api.api_url).unwrap();
        let rpc = stack.rpc().unwrap();
        let order = Order::sell(stack.token("WETH"), WETH, stack.token("USDC"), 2_475_000_000);
        let posted = stack.owner(0).intent(stack.domain(), &order);
        let answer = client.post("/v1/intents", &posted.body).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        let mut drama = Self { stack, api, client, auction: 0, intent: posted.id };
        drama.auction = drama.holding().await;
        for (n, bought) in [(0, 2_498_000_000), (1, 2_490_000_000)] {
            drama.bid(n, bought).await;
        }

        // from here on nothing is mined but what we mine: the winner's filler is emptied in the
        // block of the commit
        rpc.call("evm_setAutomine", json!([false])).await.unwrap();
        wait::until("the commit waiting in the pool", PATIENCE, || pending(&rpc, 1)).await.unwrap();
        drama.empty_filler(&rpc).await;
        rpc.mine(1).await.unwrap();
        wait::until("the reveal waiting in the pool", PATIENCE, || pending(&rpc, 1)).await.unwrap();
        leader.process.kill9().unwrap();
        rpc.mine(1).await.unwrap();
        drama.line("fill_failed").await;
        assert_eq!(drama.client.status(drama.intent).await.unwrap(), "matched", "it is kept");
        let view = drama.view().await;
        assert_eq!(
            (&view["status"], &view["runner_up_winners"]),
            (&json!("decided"), &Value::Null)
        );

        rpc.call("evm_setAutomine", json!([true])).await.unwrap();
        let successor = drama.stack.serve("auction").await.unwrap();
        drama.client.wait_for(drama.intent, "filled").await.unwrap();
        wait::until("the auction being published", PATIENCE, || async {
            let view = drama.view().await;
            if view["status"] == "published" { Ok(()) } else { Err(view.to_string()) }
        })
        .await
        .unwrap();
        drop(successor);
        drama
    }

    async fn view(&self) -> Value {
        self.client.get(&format!("/v1/auctions/{}", self.auction)).await.unwrap().body
    }

    async fn holding(&self) -> u64 {
        let path = format!("/v1/intents/{}", self.intent);
        let held = wait::until("the intent being in an auction", PATIENCE, || async {
            let view = self.client.get(&path).await.map_err(|error| error.to_string())?.body;
            view["auction_id"].as_u64().ok_or_else(|| view.to_string())
        });
        held.await.unwrap()
    }

    /// Until the intent's timeline has a line of this kind.
    async fn line(&self, kind: &str) {
        let path = format!("/v1/intents/{}/timeline", self.intent);
        wait::until(kind, PATIENCE, || async {
            let found = self.client.get(&path).await.map_err(|error| error.to_string())?.body;
            let mut lines = found["items"].as_array().unwrap().iter();
            if lines.any(|line| line["kind"] == kind) { Ok(()) } else { Err(found.to_string()) }
        })
        .await
        .unwrap();
    }

    async fn bid(&self, n: usize, bought: u128) {
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

    async fn empty_filler(&self, rpc: &Rpc) {
        let (filler, usdc) = (self.stack.market.solvers[0].filler, self.stack.token("USDC"));
        let there = rpc.token_balance(usdc, filler).await.unwrap();
        let to = self.stack.owner(3).address().into_word();
        rpc.set_balance(filler, WETH).await.unwrap();
        let data = calldata("transfer(address,uint256)", &[to, there.into()]);
        rpc.send_as(filler, usdc, data).await.unwrap();
    }

    async fn export(&self) -> PublicRecord {
        let client = solvers::client::Client::new(&self.api.api_url).unwrap();
        client.export(AuctionId::new(self.auction)).await.unwrap()
    }

    fn file(&self, record: &PublicRecord) -> String {
        let file = self.stack.folder().join("second.json");
        std::fs::write(&file, record.canonical().unwrap()).unwrap();
        file.display().to_string()
    }

    /// The audit of this record against the chain, or against a node that changes what it says.
    async fn audited(&self, record: &PublicRecord, node: Option<&Proxy>) -> (i32, String, String) {
        let rpc = node.map_or_else(|| self.stack.anvil.url(), |node| node.url.clone());
        audit(line(&[("file", &self.file(record)), ("rpc", &rpc)])).await
    }

    async fn fails(&self, record: &PublicRecord, word: &str) {
        fails(self.audited(record, None).await, word);
    }
}

#[track_caller]
fn fails((code, out, err): (i32, String, String), word: &str) {
    assert!(out.contains("FAILED") && out.contains(word), "{word:?} is not in\n{out}\n{err}");
    assert_eq!(code, i32::from(gavel::exit::DIFFERS), "{out}\n{err}");
}

async fn pending(rpc: &Rpc, least: u64) -> Result<(), String> {
    let status = rpc.call("txpool_status", json!([])).await.map_err(|e| e.to_string())?;
    let pending: U256 = serde_json::from_value(status["pending"].clone()).unwrap();
    if pending >= U256::from(least) { Ok(()) } else { Err(status.to_string()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attempt_survives_its_leader_and_passes_the_audit_as_it_is_only() {
    let drama = Drama::play().await;
    let record = drama.export().await;
    honest(&drama, &record).await;
    replayed(&drama, &record).await;
    tampered(&drama, &record).await;
    another_chain(&drama, &record).await;
}

async fn honest(drama: &Drama, record: &PublicRecord) {
    let view = drama.view().await;
    let settlements = view["settlements"].as_array().unwrap();
    let attempts: Vec<_> = settlements.iter().map(|found| found["attempt"].as_u64()).collect();
    assert_eq!(attempts, [Some(1), Some(2)]);
    assert_eq!(view["runner_up_winners"].as_array().unwrap().len(), 1);
    assert_eq!(record.verify(), Ok(()));
    let reveal = settlements[1]["reveal_tx"].as_str().unwrap();
    let mut flags = line(&[("api", &drama.api.api_url), ("rpc", &drama.stack.anvil.url())]);
    flags.push("--strict".to_owned());
    let (code, out, err) = audit(flags).await;
    assert_eq!(code, 0, "{out}\n{err}");
    let said = line_of(&out, drama.auction).unwrap();
    for word in [" ok ", "1 failed on chain", &format!("runner-up settled in {reveal}")] {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
}

async fn replayed(drama: &Drama, record: &PublicRecord) {
    let file = drama.file(record);
    let run = tokio::task::spawn_blocking(move || -> Output {
        let mut command = Command::new(repo::gavel_binary().unwrap());
        command.arg("replay").args([&file, "--runs", "1", "--json"]).output().unwrap()
    });
    let output = run.await.unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["as_recorded"], json!(true), "{found:#}");
}

/// The record with its second attempt changed, consistently announced.
fn forged(record: &PublicRecord, change: impl FnOnce(&mut RunnerUp)) -> PublicRecord {
    let mut forged = record.clone();
    let second = forged.contents.as_mut().unwrap().runner_up.as_mut().unwrap();
    change(second);
    forged.runner_up = Some(Announced::of(&second.decision));
    forged
}

async fn tampered(drama: &Drama, record: &PublicRecord) {
    let of_owner = forged(record, |second| second.grounds.endings[0].fault = Some(Fault::Owner));
    drama.fails(&of_owner, "not about the intents that the first attempt left").await;
    let neutral = forged(record, |second| second.grounds.endings[0].fault = Some(Fault::Neutral));
    assert_eq!(neutral.verify(), Ok(()), "by itself nothing is wrong with it");
    drama.fails(&neutral, "rests on other ends").await;
    let elsewhere = forged(record, |second| second.grounds.reveal.tx = B256::repeat_byte(1));
    drama.fails(&elsewhere, "rests on other ends").await;
    let rich = forged(record, |second| second.grounds.intents[0].fundable = Amount::MAX);
    drama.fails(&rich, "entered with more than its owner could pay").await;
    let nobody = forged(record, |second| {
        let fillers = &mut second.grounds.standings.fillers;
        fillers.insert(Address::repeat_byte(7), Address::repeat_byte(8));
    });
    drama.fails(&nobody, "what the registry says of the bidders").await;
    drama.fails(&before(drama, record).await, "not at one of those after").await;
    let hidden = forged(record, |second| second.decision.winners.clear());
    drama.fails(&hidden, "another winner comes out").await;

    let mut dropped = record.clone();
    (dropped.runner_up, dropped.contents.as_mut().unwrap().runner_up) = (None, None);
    assert_eq!(dropped.verify(), Ok(()), "by itself nothing is wrong with it");
    drama.fails(&dropped, "attempt 2 was revealed in").await;
}

/// Decided on the state before the reveal, when nobody could know of the failure.
async fn before(drama: &Drama, record: &PublicRecord) -> PublicRecord {
    let rpc = drama.stack.rpc().unwrap();
    let second = record.contents.as_ref().unwrap().runner_up.as_ref().unwrap();
    let number = second.grounds.reveal.block.number - 1;
    let asked = json!([format!("{number:#x}"), false]);
    let found = rpc.call("eth_getBlockByNumber", asked).await.unwrap();
    let hash = serde_json::from_value(found["hash"].clone()).unwrap();
    let time: U256 = serde_json::from_value(found["timestamp"].clone()).unwrap();
    let block = BlockRef { number, hash };
    forged(record, |second| {
        (second.grounds.block, second.grounds.block_time_s) = (block, time.to());
        second.grounds.standings.block = Some(block);
        second.simulation.as_mut().unwrap().block = block;
    })
}

/// The chain says otherwise, or as if the second attempt had been given up.
async fn another_chain(drama: &Drama, record: &PublicRecord) {
    let url = drama.stack.anvil.url();
    let neutral = Proxy::start(&url, |_, request, mut answer| {
        if rpc_method(request) == Some("eth_getTransactionReceipt") {
            for log in answer["result"]["logs"].as_array_mut().unwrap() {
                if log["topics"][0] == json!(abi::BidFailed::SIGNATURE_HASH) {
                    // the fault is the first word
                    let data = log["data"].as_str().unwrap();
                    log["data"] = json!(format!("0x{}{}", "00".repeat(32), &data[66..]));
                }
            }
        }
        answer
    });
    fails(drama.audited(record, Some(&neutral.await)).await, "rests on other ends");

    let unrevealed = Proxy::start(&url, |_, request, mut answer| {
        if rpc_method(request) == Some("eth_getLogs") {
            answer["result"].as_array_mut().unwrap().retain(|log| {
                let data = log["data"].as_str().unwrap();
                log["topics"][0] != json!(abi::Revealed::SIGNATURE_HASH) || !data.ends_with('2')
            });
        }
        answer
    });
    let (code, out, err) = drama.audited(record, Some(&unrevealed.await)).await;
    assert!(code == 0 && !out.contains("runner-up settled"), "given up: {out}\n{err}");

    // nothing was decided over what failed, although somebody had bid on it
    let mut lazy = record.clone();
    (lazy.runner_up, lazy.contents.as_mut().unwrap().runner_up) = (None, None);
    let quiet = Proxy::start(&url, |_, request, mut answer| {
        if rpc_method(request) == Some("eth_getLogs") {
            answer["result"].as_array_mut().unwrap().retain(|log| {
                let data = log["data"].as_str().unwrap();
                log["topics"][0] != json!(abi::Revealed::SIGNATURE_HASH) || !data.ends_with('2')
            });
        }
        answer
    });
    let (code, out, err) = drama.audited(&lazy, Some(&quiet.await)).await;
    assert!(code == 0 && out.contains("unchecked: why nothing was decided over"), "{out}\n{err}");
}

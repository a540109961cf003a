//! An auction whose winner fails on chain, whose leader is killed before it can decide over that, and
//! whose second attempt settles under the next leader: it passes its audit, and every tampered
//! copy of that attempt fails by name.

use std::{
    ops::Deref,
    process::{Command, Output},
};

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolEvent as _,
};
use domain::{
    Amount,
    auction::{Announced, PublicRecord, RunnerUp},
    event::{BlockRef, Fault},
};
use infra::chain::abi;
use serde_json::{Value, json};
use tests::{
    client::PATIENCE,
    market::PENALTY,
    repo,
    rpc::{Rpc, calldata},
    stack::{Plan, Stack},
    wait,
};

use super::{
    audit, line, line_of,
    proxy::{Proxy, rpc_method},
    single::{Single, WETH},
};

struct Drama(Single);

impl Deref for Drama {
    type Target = Single;

    fn deref(&self) -> &Single {
        &self.0
    }
}

impl Drama {
    async fn play() -> Self {
        let quick = [
            ("lease.ttl_ms", "1500"),
            ("lease.renew_ms", "300"),
            ("postgres.acquire_timeout_ms", "1000"),
        ];
        let settings = quick.map(|(key, value)| (key, value.to_owned())).to_vec();
        let stack = Stack::start(Plan { settings, ..Single::plan() }).await.unwrap();
        let mut leader = stack.serve("auction").await.unwrap();
        let mut single = Single::open(stack, "api,settlement").await;
        single.auction = single.holding().await;
        let drama = Self(single);
        let rpc = drama.rpc();
        for (n, bought) in [(0, 2_498_000_000), (1, 2_490_000_000)] {
            drama.bid(n, bought).await;
        }

        // from here on nothing is mined but what we mine: the winner's filler is emptied in the
        // block of the commit
        rpc.call("evm_setAutomine", json!([false])).await.unwrap();
        drama.pending("the commit waiting in the pool", 1).await;
        drama.empty_filler(&rpc).await;
        rpc.mine(1).await.unwrap();
        drama.pending("the reveal waiting in the pool", 1).await;
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
        drama.published().await;
        drop(successor);
        drama
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

    async fn empty_filler(&self, rpc: &Rpc) {
        let (filler, usdc) = (self.stack.market.solvers[0].filler, self.stack.token("USDC"));
        let there = rpc.token_balance(usdc, filler).await.unwrap();
        let to = self.stack.owner(3).address().into_word();
        rpc.set_balance(filler, WETH).await.unwrap();
        let data = calldata("transfer(address,uint256)", &[to, there.into()]);
        rpc.send_as(filler, usdc, data).await.unwrap();
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
    penalised(drama).await;
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

/// The solver that failed has paid, and everybody can see it.
async fn penalised(drama: &Drama) {
    let solver = drama.stack.market.solvers[0].key.address();
    let sdk = solvers::client::Client::new(&drama.api.api_url).unwrap();
    let view = wait::until("the penalty being read", PATIENCE, || async {
        let view = sdk.solver(solver).await.map_err(|error| error.to_string())?;
        if view.penalties > 0 { Ok(view) } else { Err(format!("{view:?}")) }
    });
    let view = view.await.unwrap();
    assert_eq!((view.penalties, view.penalised), (1, Amount::from(PENALTY)));
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

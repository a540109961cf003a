//! `gavel audit` over a market that really ran: it passes as it is, and every copy that was tampered
//! with fails with a word that names what was done.

mod again;
mod contract;
mod forge;
mod hidden;
mod history;
mod moment;
mod nonces;
pub(crate) mod proxy;
mod runner_up;
mod silent;
mod single;
mod told;

use std::process::{Command, Output};

use domain::{Amount, OpenHash, auction::PublicRecord};
use infra::chain::abi::{BidSettled, SolEvent as _};
use serde_json::{Value, json};
use tests::repo;

use self::{
    forge::{forge, with_false_drop, without_bid},
    history::History,
    proxy::{Proxy, rpc_method},
};

/// Runs `gavel audit` and returns its exit code, what it printed and what it said.
async fn audit(arguments: Vec<String>) -> (i32, String, String) {
    let run = tokio::task::spawn_blocking(move || -> Output {
        Command::new(repo::gavel_binary().unwrap()).arg("audit").args(arguments).output().unwrap()
    });
    let output = run.await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn line(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().flat_map(|(name, value)| [format!("--{name}"), (*value).to_owned()]).collect()
}

/// What the audit says when the API's export of the target auction is replaced.
async fn audited(history: &History, record: &PublicRecord) -> (i32, String, String) {
    let forged = serde_json::to_value(record).unwrap();
    let path = format!("/v1/auctions/{}/export", history.target);
    let proxy = Proxy::start(
        &history.api,
        move |asked, _, answer| {
            if asked == path { forged.clone() } else { answer }
        },
    );
    let proxy = proxy.await;
    let receipts = history.receipts_file();
    audit(line(&[("api", &proxy.url), ("rpc", &history.rpc), ("receipts", &receipts)])).await
}

/// The same, for a node whose answers to `method` are changed.
async fn watched(
    history: &History,
    method: &'static str,
    change: impl Fn(&Value, Value) -> Value + Send + Sync + 'static,
) -> (i32, String, String) {
    let proxy = Proxy::start(&history.rpc, move |_, request, mut answer| {
        if rpc_method(request) == Some(method) && !answer["result"].is_null() {
            let result = answer["result"].take();
            answer["result"] = change(request, result);
        }
        answer
    });
    let proxy = proxy.await;
    audit(line(&[("api", &history.api), ("rpc", &proxy.url)])).await
}

/// What is said of an auction.
fn line_of(out: &str, auction: u64) -> Option<&str> {
    let start = format!("auction {auction:<5}");
    out.lines().find(|line| line.starts_with(&start))
}

/// The audit fails, and the target's line says `word`.
#[track_caller]
fn fails(history: &History, (code, out, err): (i32, String, String), word: &str) {
    let line = line_of(&out, history.target);
    let line = line.unwrap_or_else(|| panic!("no line of {}:\n{out}\n{err}", history.target));
    assert!(line.contains("FAILED") && line.contains(word), "{word:?} is not in\n{line}\n{err}");
    assert_eq!(code, i32::from(gavel::exit::DIFFERS), "{out}\n{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_market_passes_and_every_tampered_copy_fails_by_name() {
    let history = History::play().await;
    honest(&history).await;
    machines_and_files(&history).await;
    replayed(&history).await;
    clients_agree(&history).await;
    tampered_records(&history).await;
    forged_decisions(&history).await;
    another_chain(&history).await;
    hidden::nothing_is_kept_quiet(&history).await;
    contract::contracts_are_asked(&history).await;
    told::what_cannot_be_checked_is_told(&history).await;
    told::strictness_asks_for_everything(&history).await;
    moment::a_block_is_of_its_auction(&history).await;
    moment::hours_later(&history).await;
}

async fn honest(history: &History) {
    let receipts = history.receipts_file();
    let flags = line(&[("api", &history.api), ("rpc", &history.rpc), ("receipts", &receipts)]);
    let (code, out, err) = audit(flags).await;
    assert_eq!(code, 0, "{out}\n{err}");
    assert!(out.lines().count() >= history.settled.len(), "{out}");
    for auction in &history.settled {
        let line = line_of(&out, *auction);
        let line = line.unwrap_or_else(|| panic!("auction {auction} is missing\n{out}"));
        for word in [" ok ", "proven", "settled in 0x", "payments checked", "receipts held"] {
            assert!(line.contains(word), "{word:?} is not in {line}");
        }
        assert!(!line.contains("unchecked"), "{line}");
    }
    let drops = &history.record.contents.as_ref().unwrap().simulation.as_ref().unwrap().drops;
    assert_eq!(drops.len(), 1, "one of the bids failed its simulation, and was run again");
    let sdk = solvers::client::Client::new(&history.api).unwrap();
    let view = sdk.solver(history.solver).await.unwrap();
    assert_eq!((view.simulation_drops, view.penalties), (history.settled.len() as u64, 0));
}

async fn machines_and_files(history: &History) {
    let target = history.target.to_string();
    let mut flags = line(&[("api", &history.api), ("rpc", &history.rpc), ("auction", &target)]);
    flags.push("--json".to_owned());
    let (code, out, err) = audit(flags).await;
    assert_eq!(code, 0, "{out}\n{err}");
    let found: Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!((&found["state"], &found["auction"]), (&json!("ok"), &json!(history.target)));
    assert!(found["settled"].is_string() && found["unchecked"] == json!([]), "{found:#}");

    let file = history.folder.path().join("export.json");
    std::fs::write(&file, history.record.canonical().unwrap()).unwrap();
    let file = file.display().to_string();
    let (code, out, _) = audit(line(&[("file", &file)])).await;
    assert!(code == 0 && out.contains("unchecked: the chain"), "{out}");
    let (code, out, err) = audit(line(&[("file", &file), ("rpc", &history.rpc)])).await;
    assert!(code == 0 && out.contains("payments checked"), "{out}\n{err}");
    let (code, _, _) = audit(line(&[("file", "/does/not/exist")])).await;
    assert_eq!(code, i32::from(gavel::exit::CONFIG));
}

/// Solvers replay the same files: every decision comes out as recorded, and no worse than greedy.
async fn replayed(history: &History) {
    let file = history.folder.path().join("export.json").display().to_string();
    let solver = history.solver.to_string();
    let run = |flags: Vec<String>| {
        tokio::task::spawn_blocking(move || {
            let mut command = Command::new(repo::gavel_binary().unwrap());
            command.arg("replay").args(flags).output().unwrap()
        })
    };
    let flags = [&file, "--runs", "3", "--solver", &solver, "--json"].map(str::to_owned);
    let output = run(flags.to_vec()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["as_recorded"], &found["gap"]), (&json!(true), &json!("0")), "{found:#}");
    let amount = |name: &str| found[name].as_str().unwrap().parse::<u128>().unwrap();
    assert!(amount("score") >= amount("greedy") && amount("greedy") > 0, "{found:#}");
    let verdicts: Vec<_> =
        found["own"]["bids"].as_array().unwrap().iter().map(|bid| &bid["verdict"]).collect();
    assert_eq!(verdicts.len(), 4, "{found:#}");
    for word in ["won", "lost", "dropped"] {
        assert!(verdicts.contains(&&json!(word)), "{word} is not in {found:#}");
    }
    assert!(found["own"]["reference"].is_string(), "what the others would have made: {found:#}");

    let flags = line(&[("api", &history.api), ("runs", "1")]);
    let output = run(flags).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("proven optimal"), "{said}");
}

/// Receipts by viem, proofs by OpenZeppelin's library.
async fn clients_agree(history: &History) {
    let (receipts, key) = (history.receipts_file(), history.key.clone());
    let flags = line(&[("api", &history.api), ("key", &key), ("receipts", &receipts)]);
    let run = tokio::task::spawn_blocking(move || {
        let mut command = Command::new("node_modules/.bin/tsx");
        command.current_dir(repo::root().join("tests")).arg("clients/record.ts").args(flags);
        command.output().unwrap()
    });
    let output = run.await.unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && out.starts_with("ok: "), "{out}\n{err}");
}

async fn tampered_records(history: &History) {
    let forged = forge(&history.record, |record| {
        let bid = &mut record["contents"]["bids"][0]["signed"]["legs"][0]["amount"];
        *bid = json!("1");
    });
    fails(history, audited(history, &forged).await, "what is recorded as bid");
    let forged = forge(&history.record, |record| {
        record["opening"]["prices"][0]["price"] = json!("1");
    });
    fails(history, audited(history, &forged).await, "the opening record");
    let mut swapped = history.record.clone();
    let losing = history.losing();
    swapped.decision.as_mut().unwrap().winners[0] = losing;
    fails(history, audited(history, &swapped).await, "another winner");
    let mut references = history.record.clone();
    let contents = references.contents.as_mut().unwrap();
    let reference = contents.references.first_mut().expect("a winner has a reference score");
    reference.score = reference.score.checked_add(Amount::from(1u64)).unwrap();
    fails(history, audited(history, &references).await, "the reference score of solver");
    let mut orphan = history.record.clone();
    orphan.opening.previous = OpenHash::new(alloy::primitives::B256::repeat_byte(7));
    orphan.open_hash = orphan.opening.hash();
    fails(history, audited(history, &orphan).await, "the chain of opening records is broken");
    let mut unsigned = history.record.clone();
    let contents = unsigned.contents.as_mut().unwrap();
    contents.standings.solvers.values_mut().next().unwrap().registered = false;
    let (code, out, _) = audited(history, &unsigned).await;
    assert!(code != 0 && out.contains("FAILED"), "{out}");
}

/// Whole decisions made anew, consistent in themselves.
async fn forged_decisions(history: &History) {
    let omitted = without_bid(&history.record, history.receipts[0].bid);
    assert_eq!(omitted.verify(), Ok(()), "by itself nothing is wrong with it");
    fails(history, audited(history, &omitted).await, "censorship: a receipt");
    let bystander = with_false_drop(&history.record, history.bystander());
    fails(history, audited(history, &bystander).await, "cannot have been run");
    let losing = with_false_drop(&history.record, history.losing());
    fails(history, audited(history, &losing).await, "cannot have been run");
    let winner = history.record.decision.as_ref().unwrap().winners[0];
    let dropped = with_false_drop(&history.record, winner);
    assert_eq!(dropped.verify(), Ok(()), "by itself nothing is wrong with it");
    fails(history, audited(history, &dropped).await, "false simulation drop");
}

/// The chain does not show what the record says.
async fn another_chain(history: &History) {
    let reveal = history.reveal;
    let is_reveal = move |request: &Value| request["params"][0] == json!(reveal);
    let said = watched(history, "eth_getTransactionByHash", move |request, mut tx| {
        if is_reveal(request) {
            let input = tx["input"].as_str().unwrap();
            // within the batch: its bytes begin after selector, three words and a length
            let at = 2 + 2 * (4 + 4 * 32 + 100);
            let other = if &input[at..=at] == "0" { "1" } else { "0" };
            tx["input"] = json!(format!("{}{other}{}", &input[..at], &input[at + 1..]));
        }
        tx
    });
    fails(history, said.await, "is not what the winners make");
    let commitment = history.commitment;
    let said = watched(history, "eth_getLogs", move |_, mut logs| {
        for log in logs.as_array_mut().unwrap() {
            if log["topics"][1] == json!(commitment) {
                log["topics"][1] = json!(format!("0x{}", "99".repeat(32)));
            }
        }
        logs
    });
    fails(history, said.await, "the commitment of reveal");
    let said = watched(history, "eth_getTransactionReceipt", move |request, mut receipt| {
        if is_reveal(request) {
            let logs = receipt["logs"].as_array_mut().unwrap();
            let transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
            let first = logs.iter().position(|log| log["topics"][0] == transfer).unwrap();
            logs.remove(first);
        }
        receipt
    });
    fails(history, said.await, "did not happen");
    let said = watched(history, "eth_getTransactionReceipt", move |request, mut receipt| {
        if is_reveal(request) {
            for log in receipt["logs"].as_array_mut().unwrap() {
                // the data ends with what the last fill bought: one atom less
                if log["topics"][0] == json!(BidSettled::SIGNATURE_HASH) {
                    let data = log["data"].as_str().unwrap();
                    let last = if data.ends_with('1') { "2" } else { "1" };
                    log["data"] = json!(format!("{}{last}", &data[..data.len() - 1]));
                }
            }
        }
        receipt
    });
    fails(history, said.await, "was filled otherwise");
}

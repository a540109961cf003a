//! An operator who keeps quiet about its newest auctions: they leave traces elsewhere.

use alloy::sol_types::SolEvent as _;
use infra::chain::abi;
use serde_json::{Value, json};

use super::{
    audit, fails,
    history::History,
    line, line_of,
    proxy::{Proxy, rpc_method},
};

/// The API, in whose list nothing comes after the auction before the target.
async fn discreet(history: &History) -> Proxy {
    let target = history.target;
    let hide = move |asked: &str, _: &Value, mut answer: Value| {
        if asked.split('?').next() == Some("/v1/auctions") {
            let items = answer["items"].as_array_mut().unwrap();
            items.retain(|view| view["id"].as_u64().unwrap() < target);
        }
        answer
    };
    Proxy::start(&history.api, hide).await
}

/// A chain on which no such auction was revealed, as if it had been given up.
async fn unrevealed(history: &History) -> Proxy {
    let target = history.target;
    let hide = move |_: &str, request: &Value, mut answer: Value| {
        if rpc_method(request) == Some("eth_getLogs") {
            answer["result"].as_array_mut().unwrap().retain(|log| {
                // auction and attempt are not indexed: a word each
                let data = log["data"].as_str().unwrap();
                let auction = || u64::from_str_radix(&data[2..2 + 64], 16).unwrap();
                log["topics"][0] != json!(abi::Revealed::SIGNATURE_HASH) || auction() < target
            });
        }
        answer
    };
    Proxy::start(&history.rpc, hide).await
}

pub(super) async fn nothing_is_kept_quiet(history: &History) {
    let api = discreet(history).await;
    let receipts = history.receipts_file();
    revealed(history, &api).await;
    promised(history, &api, &receipts).await;
    not_asked_for(history, &api, &receipts).await;
}

/// The chain knows of it, and who audits needs nothing else.
async fn revealed(history: &History, api: &Proxy) {
    let said = audit(line(&[("api", &api.url), ("rpc", &history.rpc)])).await;
    let word = format!("reveal {} is of this auction, and the API lists no such", history.reveal);
    fails(history, said, &word);
}

/// It was never revealed, so only who was given a receipt knows of it.
async fn promised(history: &History, api: &Proxy, receipts: &str) {
    let rpc = unrevealed(history).await;
    let (code, out, err) = audit(line(&[("api", &api.url), ("rpc", &rpc.url)])).await;
    assert_eq!(code, 0, "nobody who holds nothing can tell:\n{out}\n{err}");
    assert_eq!(line_of(&out, history.target), None, "{out}");
    let flags = [("api", api.url.as_str()), ("rpc", &rpc.url), ("receipts", receipts)];
    let said = audit(line(&flags)).await;
    let bid = history.receipts[0].bid;
    let word = format!("a receipt for bid {bid} is of this auction, and the API lists no such");
    fails(history, said, &word);
}

/// Who asks for the auctions before it is told of those, and that receipts were not looked at.
async fn not_asked_for(history: &History, api: &Proxy, receipts: &str) {
    let to = (history.target - 1).to_string();
    let flags =
        [("api", api.url.as_str()), ("rpc", &history.rpc), ("receipts", receipts), ("to", &to)];
    let (code, out, err) = audit(line(&flags)).await;
    assert_eq!(code, 0, "{out}\n{err}");
    assert_eq!(line_of(&out, history.target), None, "{out}");
    assert!(err.contains("4 receipts are of auctions that were not audited"), "{err}");
}

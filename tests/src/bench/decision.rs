//! `close_to_decision_p99`: from the window's end to the committed transaction, with 200 intents and
//! 100 bids: Redis read, decision, the next cut and its network reads included; as the role logs it.
//! `close_to_stream_p99`: the same to a subscriber, relay and fan-out included.

use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy::primitives::{B256, Bytes, keccak256};
use domain::{
    Amount, AuctionId, Bid, IntentId,
    bid::{End, Leg, Terms},
};
use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{Row, http::Connection, intake, quantile};
use crate::{
    orders,
    stack::{Service, Stack},
};

const AUCTIONS: usize = 30;
const INTENTS: usize = 200;
const BIDS: usize = 100;
/// What the issue asks for.
const GOAL_MS: f64 = 100.0;

pub(super) async fn measure(stack: &Stack) -> io::Result<[Row; 2]> {
    let api = stack.serve("api").await?;
    let stock = Arc::new(intake::signed_bodies(stack, INTENTS * (AUCTIONS + 4)));
    intake::post_all(&api.api_url, &stock, 0..stock.len()).await?;
    let client = infra::http::client(Duration::from_secs(600)).map_err(io::Error::other)?;
    let request = client.get(format!("{}/v1/events?from=now", api.api_url));
    let response = request.header("accept", "text/event-stream").send().await;
    let mut events = response.map_err(io::Error::other)?.bytes_stream().eventsource();
    let auction = stack.serve("auction").await?;
    let mut closes = BTreeMap::new();
    let mut samples = Vec::new();
    while samples.len() < AUCTIONS {
        let event = events.next().await.ok_or_else(|| io::Error::other("the stream ended"))?;
        let event = event.map_err(|e| io::Error::other(e.to_string()))?;
        match event.event.as_str() {
            "auction.opened" => {
                let data = serde_json::from_str::<Value>(&event.data)?["data"].take();
                let id = data["auction_id"].as_u64().unwrap_or_default();
                let ids = intents_of(&data);
                if ids.len() == INTENTS {
                    closes.insert(id, data["closes_at_ms"].as_u64().unwrap_or_default());
                    submit(stack, &api.api_url, id, &ids).await?;
                }
            }
            "auction.decided" => {
                let data = serde_json::from_str::<Value>(&event.data)?["data"].take();
                let id = data["auction_id"].as_u64().unwrap_or_default();
                let winners = data["winners"].as_array().map_or(0, Vec::len);
                // how many of the hundred fit into one batch is the gas budget's affair
                if let Some(closed) = closes.remove(&id).filter(|_| winners > 0) {
                    samples.push(intake::count(usize::try_from(now_ms() - closed).unwrap_or(0)));
                }
            }
            _ => {}
        }
    }
    let seen = quantile(&mut samples, 990)?;
    let committed = quantile(&mut committed_ms(stack, &auction)?, 990)?;
    Ok([
        Row::new("close_to_decision_p99", committed, "ms", GOAL_MS),
        Row::new("close_to_stream_p99", seen, "ms", GOAL_MS),
    ])
}

/// What the role logged of auctions with all the bids, milliseconds from close to commit.
fn committed_ms(stack: &Stack, auction: &Service) -> io::Result<Vec<f64>> {
    let port = auction.api_url.rsplit(':').next().unwrap_or_default();
    let log = std::fs::read_to_string(stack.folder().join(format!("gavel-{port}.log")))?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let full = lines.filter(|line| line["message"] == "auction decided" && line["bids"] == BIDS);
    let took = full.filter_map(|line| line["took_ms"].as_str()?.parse::<usize>().ok());
    Ok(took.map(intake::count).collect())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(0))
}

fn intents_of(opened: &Value) -> Vec<IntentId> {
    let intents = opened["intents"].as_array().cloned().unwrap_or_default();
    intents.iter().filter_map(|i| i["id"].as_str()?.parse().ok()).collect()
}

/// A hundred bids of one solver, each over two intents of its own.
async fn submit(stack: &Stack, url: &str, auction: u64, ids: &[IntentId]) -> io::Result<()> {
    let mut connection = Connection::open(url).await?;
    for (n, pair) in ids.chunks(INTENTS / BIDS).enumerate() {
        let body = bid(stack, auction, n as u64, pair)?.to_string().into_bytes();
        let path = format!("/v1/auctions/{auction}/bids");
        let (status, answer) = connection.post(&path, &body).await?;
        // on a busy machine some come too late: those that came in time are what is decided on
        if status == 409 {
            break;
        }
        if status >= 300 {
            return Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
    }
    Ok(())
}

fn bid(stack: &Stack, auction: u64, n: u64, intents: &[IntentId]) -> io::Result<Value> {
    let solver = &stack.market.solvers[0];
    let bought = Amount::from(2_480_000 + n);
    let legs = intents.iter().flat_map(|id| {
        let (intent, filler) = (End::Intent(*id), End::Filler);
        let sold = Amount::from(10u64.pow(15));
        [
            Leg { from: intent, to: filler, amount: sold },
            Leg { from: filler, to: intent, amount: bought },
        ]
    });
    let reference = keccak256([auction.to_be_bytes(), n.to_be_bytes()].concat());
    let terms = Terms {
        auction_id: AuctionId::new(auction),
        solver: solver.key.address(),
        filler: solver.filler,
        gas: 220_000,
        callback_gas: 0,
        penalty: 0,
        valid_until: u32::try_from(orders::now_s() + 600).unwrap_or(u32::MAX),
        nonce: Amount::from(auction * 1_000 + n),
        salt: reference,
        client_bid_id: B256::from(reference),
    };
    let bid = Bid::new(terms, legs.collect(), Bytes::new()).map_err(io::Error::other)?;
    let signature = solver.key.key().sign(bid.id(stack.domain()).get());
    let mut body = serde_json::to_value(&bid)?;
    body["signature"] = json!(alloy::hex::encode_prefixed(signature.to_rsv()));
    Ok(body)
}

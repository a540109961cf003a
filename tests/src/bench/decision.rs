//! `close_to_decision_p99`: from the window's end to the committed transaction, with 1,000 intents and
//! 1,000 bids of several solvers: Redis read, decision, references, simulation of the winners, the
//! next cut and its network reads included; as the role logs it.
//! `close_to_stream_p99`: the same to a subscriber, relay and fan-out included.
//!
//! Nine bids of ten come early in the window, the last ones up to a few milliseconds before its end;
//! all are signed when the window opens, so that nobody is signing when it closes. The first auction
//! after the start, where connections are made and statements prepared, is printed and not counted.

use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy::primitives::{Address, B256, Bytes, keccak256};
use domain::{
    Amount, AuctionId, Bid, IntentId,
    bid::{End, Leg, Terms},
};
use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Bed, Row, http::Connection, intake, quantile};
use crate::{
    market::{DevKey, PENALTY},
    orders,
    rpc::calldata,
    stack::{Plan, Service, Stack},
};

/// More than a hundred: the 99th percentile of fewer is the worst of them.
const AUCTIONS: usize = 110;
const INTENTS: usize = 1_000;
const BIDS: usize = 1_000;
/// Those that come in the window's last moments.
const LAST: usize = 100;
/// When the last of them comes, milliseconds before the end.
const LAST_MS: u64 = 10;
/// How many come at once in the beginning.
const CONNECTIONS: usize = 16;
const SOLVERS: u64 = 8;
/// What the issue asks for.
const GOAL_MS: f64 = 60.0;

/// What the market of this measurement is made of.
pub(super) fn plan() -> Plan {
    let settings = vec![("auction.max_intents", INTENTS.to_string())];
    Plan { solvers: SOLVERS, window_ms: 2_000, settings, ..Bed::plan() }
}

pub(super) async fn measure(stack: &Stack) -> io::Result<[Row; 2]> {
    let keys = second_keys(stack).await?;
    // nothing is settled here
    stack.endless_lanes().await?;
    let api = stack.serve("api").await?;
    let stock = Arc::new(intake::signed_bodies(stack, INTENTS * (AUCTIONS / 3 + 2)));
    intake::post_all(&api.api_url, &stock, 0..stock.len()).await?;
    let client = infra::http::client(Duration::from_secs(600)).map_err(io::Error::other)?;
    let request = client.get(format!("{}/v1/events?from=now", api.api_url));
    let response = request.header("accept", "text/event-stream").send().await;
    let mut events = response.map_err(io::Error::other)?.bytes_stream().eventsource();
    let auction = stack.serve("auction").await?;
    let mut closes = BTreeMap::new();
    let mut posting = JoinSet::new();
    let (mut samples, mut first) = (Vec::new(), None);
    while samples.len() < AUCTIONS {
        let event = events.next().await.ok_or_else(|| io::Error::other("the stream ended"))?;
        let event = event.map_err(|e| io::Error::other(e.to_string()))?;
        match event.event.as_str() {
            "auction.opened" => {
                let data = serde_json::from_str::<Value>(&event.data)?["data"].take();
                let id = data["auction_id"].as_u64().unwrap_or_default();
                let closes_at = data["closes_at_ms"].as_u64().unwrap_or_default();
                let ids = intents_of(&data);
                if ids.len() == INTENTS {
                    first.get_or_insert(id);
                    closes.insert(id, closes_at);
                    let bodies = bids(stack, &keys, id, &ids)?;
                    submit(&mut posting, &api.api_url, id, bodies, closes_at);
                }
            }
            "auction.decided" => {
                let data = serde_json::from_str::<Value>(&event.data)?["data"].take();
                let id = data["auction_id"].as_u64().unwrap_or_default();
                let winners = data["winners"].as_array().map_or(0, Vec::len);
                // how many of the thousand fit into one batch is the gas budget's affair
                let counted = winners > 0 && first != Some(id);
                if let Some(closed) = closes.remove(&id).filter(|_| counted) {
                    samples.push(intake::count(usize::try_from(now_ms() - closed).unwrap_or(0)));
                }
            }
            _ => {}
        }
        while let Some(done) = posting.try_join_next() {
            done.map_err(io::Error::other)??;
        }
    }
    let seen = quantile(&mut samples, 990)?;
    let (warming_up, full): (Vec<_>, Vec<_>) =
        decided(stack, &auction)?.into_iter().partition(|line| auction_of(line) == first);
    print_pace(&full, warming_up.first())?;
    let mut committed: Vec<f64> = full.iter().filter_map(|line| ms(line, "took_ms")).collect();
    Ok([
        Row::new("close_to_decision_p99", quantile(&mut committed, 990)?, "ms", GOAL_MS),
        Row::new("close_to_stream_p99", seen, "ms", GOAL_MS),
    ])
}

/// What the role logged of auctions with nearly all the bids. On a busy machine some come too late.
fn decided(stack: &Stack, auction: &Service) -> io::Result<Vec<Value>> {
    let port = auction.api_url.rsplit(':').next().unwrap_or_default();
    let log = std::fs::read_to_string(stack.folder().join(format!("gavel-{port}.log")))?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let least = u64::try_from(BIDS - LAST / 2).unwrap_or(u64::MAX);
    let full =
        |line: &Value| line["message"] == "auction decided" && line["bids"].as_u64() >= Some(least);
    Ok(lines.filter(full).collect())
}

fn auction_of(line: &Value) -> Option<u64> {
    line["auction"].as_u64()
}

fn ms(line: &Value, name: &str) -> Option<f64> {
    line[name].as_str()?.parse::<usize>().ok().map(intake::count)
}

/// Where the time goes: how long after the close each part was done, as medians and in the slowest.
fn print_pace(full: &[Value], warming_up: Option<&Value>) -> io::Result<()> {
    const PARTS: [&str; 5] = ["collected_ms", "closed_ms", "drafted_ms", "judged_ms", "took_ms"];
    print!("  {} auctions, medians:", full.len());
    for part in PARTS {
        let mut samples: Vec<f64> = full.iter().filter_map(|line| ms(line, part)).collect();
        print!(" {part} {}", quantile(&mut samples, 500)?);
    }
    let took = |line: &Value| ms(line, "took_ms").unwrap_or(0.0);
    let mut slowest: Vec<&Value> = full.iter().collect();
    slowest.sort_by(|a, b| took(b).total_cmp(&took(a)));
    let named = warming_up.map(|line| ("the first, not counted", line));
    let slowest = slowest.into_iter().take(3).map(|line| ("one of the slowest", line));
    for (name, line) in named.into_iter().chain(slowest) {
        print!("\n  {name}:");
        for part in PARTS {
            print!(" {part} {}", ms(line, part).unwrap_or(f64::NAN));
        }
    }
    println!();
    Ok(())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(0))
}

pub(super) fn intents_of(opened: &Value) -> Vec<IntentId> {
    let intents = opened["intents"].as_array().cloned().unwrap_or_default();
    intents.iter().filter_map(|i| i["id"].as_str()?.parse().ok()).collect()
}

/// A key beside its own account for every solver.
async fn second_keys(stack: &Stack) -> io::Result<Vec<DevKey>> {
    let rpc = stack.rpc()?;
    let mut keys = Vec::new();
    for (n, solver) in stack.market.solvers.iter().enumerate() {
        let key = DevKey::named(&format!("second key {n}")).map_err(io::Error::other)?;
        let arguments = [key.address().into_word(), B256::with_last_byte(1)];
        let data = calldata("setKey(address,bool)", &arguments);
        let registry = stack.market.settlement;
        rpc.send_as(solver.key.address(), registry, data).await.map_err(io::Error::other)?;
        keys.push(key);
    }
    Ok(keys)
}

/// Posts the first bids at once and the others one by one until the end.
fn submit(
    posting: &mut JoinSet<io::Result<()>>,
    url: &str,
    auction: u64,
    mut bodies: Vec<Vec<u8>>,
    closes_at: u64,
) {
    let path = format!("/v1/auctions/{auction}/bids");
    let last = bodies.split_off(BIDS - LAST);
    for part in bodies.chunks(bodies.len().div_ceil(CONNECTIONS)) {
        let (part, url, path) = (part.to_vec(), url.to_owned(), path.clone());
        posting.spawn(async move {
            let mut connection = Connection::open(&url).await?;
            for body in part {
                post(&mut connection, &path, &body).await?;
            }
            Ok(())
        });
    }
    let url = url.to_owned();
    posting.spawn(async move {
        let mut connection = Connection::open(&url).await?;
        for (n, body) in (1..).zip(last) {
            let left = (LAST as u64 - n) * 3 + LAST_MS;
            let wait = closes_at.saturating_sub(left).saturating_sub(now_ms());
            tokio::time::sleep(Duration::from_millis(wait)).await;
            post(&mut connection, &path, &body).await?;
        }
        Ok(())
    });
}

pub(super) async fn post(connection: &mut Connection, path: &str, body: &[u8]) -> io::Result<()> {
    let (status, answer) = connection.post(path, body).await?;
    // too late on a busy machine: what came in time is what is decided on
    if status < 300 || status == 409 {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()))
}

/// The bids of one auction: one to four intents each, so that most intents are wanted by several.
fn bids(
    stack: &Stack,
    second: &[DevKey],
    auction: u64,
    ids: &[IntentId],
) -> io::Result<Vec<Vec<u8>>> {
    let bid = |n: usize| {
        let dice = keccak256([auction.to_be_bytes(), (n as u64).to_be_bytes()].concat());
        let count = [1, 1, 1, 1, 1, 1, 2, 2, 3, 4][usize::from(dice[0]) % 10];
        let start = usize::from(u16::from_be_bytes([dice[1], dice[2]]));
        let step = 1 + usize::from(dice[3]);
        let mut wanted: Vec<IntentId> =
            (0..count).map(|k| ids[(start + k * step) % ids.len()]).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let solver = n % stack.market.solvers.len();
        let key = if n % 16 < 8 { &stack.market.solvers[solver].key } else { &second[solver] };
        let bought = 2_480_000 + u64::from(u16::from_be_bytes([dice[4], dice[5]])) / 4;
        let owner = stack.market.solvers[solver].key.address();
        let terms = (owner, stack.market.solvers[solver].filler, auction, n as u64);
        signed(stack, key, terms, &wanted, bought)
    };
    (0..BIDS).map(bid).collect()
}

pub(super) fn signed(
    stack: &Stack,
    key: &DevKey,
    (solver, filler, auction, n): (Address, Address, u64, u64),
    intents: &[IntentId],
    bought: u64,
) -> io::Result<Vec<u8>> {
    let legs = intents.iter().flat_map(|id| {
        let intent = End::Intent(*id);
        [
            Leg { from: intent, to: End::Filler, amount: Amount::from(10u64.pow(15)) },
            Leg { from: End::Filler, to: intent, amount: Amount::from(bought) },
        ]
    });
    let reference = keccak256([auction.to_be_bytes(), n.to_be_bytes()].concat());
    let gas = 250_000 + 80_000 * u32::try_from(intents.len()).unwrap_or(u32::MAX);
    let terms = Terms {
        auction_id: AuctionId::new(auction),
        solver,
        filler,
        gas,
        callback_gas: 0,
        penalty: PENALTY,
        valid_until: u32::try_from(orders::now_s() + 600).unwrap_or(u32::MAX),
        nonce: Amount::from(auction * 1_000 + n),
        salt: reference,
        client_bid_id: reference,
    };
    let bid = Bid::new(terms, legs.collect(), Bytes::new()).map_err(io::Error::other)?;
    let signature = key.key().sign(bid.id(stack.domain()).get());
    let mut body = serde_json::to_value(&bid)?;
    body["signature"] = json!(alloy::hex::encode_prefixed(signature.to_rsv()));
    Ok(body.to_string().into_bytes())
}

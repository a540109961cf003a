//! `memory_100k_intents_10k_bids`: the most resident memory of one `gavel` process with the roles api
//! and auction, with 100,000 open intents in its book, all of them read as a snapshot by a
//! subscriber, through an auction of 1,000 of them with 10,000 bids to its published outcome.

use std::{io, sync::Arc, time::Duration};

use eventsource_stream::{EventStream, Eventsource};
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use tokio::{task::JoinSet, time::timeout};

use super::{Bed, Row, decision, http::Connection, intake};
use crate::stack::{Plan, Service, Stack};

const INTENTS: usize = 100_000;
const BIDS: usize = 10_000;
/// A solver may send a thousand.
const SOLVERS: u64 = 10;
const CONNECTIONS: usize = 32;
/// Long enough to sign and send them all on two cores that do all the rest as well.
const WINDOW_MS: u64 = 30_000;
/// What the issue asks for.
const GOAL_MB: f64 = 300.0;
/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) async fn measure() -> io::Result<[Row; 1]> {
    let plan = Plan { solvers: SOLVERS, window_ms: WINDOW_MS, ..Bed::plan() };
    let bed = Bed::start(plan).await?;
    let stack = &bed.stack;
    let service = stack.serve("api,auction").await?;
    let idle = megabytes(&service, "VmRSS")?;
    // posted in parts, so that the generator holds few of them
    for _ in 0..INTENTS / 20_000 {
        let bodies = Arc::new(intake::signed_bodies(stack, 20_000));
        intake::post_all(&service.api_url, &bodies, 0..bodies.len()).await?;
    }
    let read = timeout(PATIENCE, read_snapshot(&service.api_url)).await??;
    if read < INTENTS {
        return Err(io::Error::other(format!("the snapshot had {read} intents")));
    }
    let booked = megabytes(&service, "VmHWM")?;
    let counted = timeout(PATIENCE, hold_auction(stack, &service.api_url)).await??;
    let peak = megabytes(&service, "VmHWM")?;
    let note = format!(
        "{idle:.0} MB idle, {booked:.0} MB with the book posted and read, then an auction with {counted} bids"
    );
    Ok([Row::new("memory_100k_intents_10k_bids", peak, "MB", GOAL_MB).note(note)])
}

/// A figure of `/proc/PID/status`.
fn megabytes(service: &Service, name: &str) -> io::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    let kilobytes = kilobytes.ok_or_else(|| io::Error::other(format!("no {name} in {status}")))?;
    Ok(kilobytes / 1_000.0)
}

type Body = std::pin::Pin<Box<dyn Stream<Item = Result<Vec<u8>, io::Error>> + Send>>;

async fn events(url: &str, from: &str) -> io::Result<EventStream<Body>> {
    let client = infra::http::client(Duration::from_secs(600)).map_err(io::Error::other)?;
    let request = client.get(format!("{url}/v1/events?from={from}"));
    let response = request.header("accept", "text/event-stream").send().await;
    let body = response.map_err(io::Error::other)?.bytes_stream();
    let body: Body = Box::pin(body.map(|part| Ok(part.map_err(io::Error::other)?.to_vec())));
    Ok(body.eventsource())
}

async fn next(events: &mut EventStream<Body>) -> io::Result<(String, Value)> {
    let event = events.next().await.ok_or_else(|| io::Error::other("the stream ended"))?;
    let event = event.map_err(|e| io::Error::other(e.to_string()))?;
    Ok((event.event, serde_json::from_str(&event.data)?))
}

/// How many intents a subscriber is told of who starts from the present state.
async fn read_snapshot(url: &str) -> io::Result<usize> {
    let mut events = events(url, "snapshot").await?;
    let mut read = 0;
    loop {
        let (name, body) = next(&mut events).await?;
        if name == "snapshot" {
            read += body["intents"].as_array().map_or(0, Vec::len);
            if body["last"] == true {
                return Ok(read);
            }
        }
    }
}

/// Bids in the next auction and waits until it is decided; how many bids it had.
async fn hold_auction(stack: &Stack, url: &str) -> io::Result<u64> {
    let mut events = events(url, "now").await?;
    let (auction, ids) = loop {
        let (name, mut body) = next(&mut events).await?;
        let ids = decision::intents_of(&body["data"]);
        if name == "auction.opened" && !ids.is_empty() {
            break (body["data"]["auction_id"].take().as_u64().unwrap_or_default(), ids);
        }
    };
    let mut tasks = JoinSet::new();
    let bodies = (0..BIDS).map(|n| bid(stack, auction, n, &ids)).collect::<io::Result<Vec<_>>>()?;
    for part in bodies.chunks(BIDS.div_ceil(CONNECTIONS)) {
        let (part, url) = (part.to_vec(), url.to_owned());
        tasks.spawn(async move {
            let mut connection = Connection::open(&url).await?;
            for body in part {
                decision::post(&mut connection, &format!("/v1/auctions/{auction}/bids"), &body)
                    .await?;
            }
            Ok::<_, io::Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(io::Error::other)??;
    }
    let mut bids = 0;
    loop {
        let (name, body) = next(&mut events).await?;
        let data = &body["data"];
        if data["auction_id"] != auction {
            continue;
        }
        match name.as_str() {
            "auction.closed" => bids = data["bid_count"].as_u64().unwrap_or_default(),
            "auction.decided" => return Ok(bids),
            "auction.void" => return Err(io::Error::other(format!("void: {data}"))),
            _ => {}
        }
    }
}

/// One of a solver's bids, for one to three intents.
fn bid(stack: &Stack, auction: u64, n: usize, ids: &[domain::IntentId]) -> io::Result<Vec<u8>> {
    let solver = &stack.market.solvers[n % stack.market.solvers.len()];
    let mut wanted: Vec<_> = (0..=n % 3).map(|k| ids[(n + k * 37) % ids.len()]).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let terms = (solver.key.address(), solver.filler, auction, n as u64);
    decision::signed(stack, &solver.key, terms, &wanted, 2_480_000 + n as u64)
}

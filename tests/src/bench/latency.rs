//! `intent_to_stream_p99`: from the first byte of the POST to the event at a subscriber.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Row, http::Connection, intake, quantile};
use crate::{orders::Posted, stack::Stack};

const SECONDS: usize = 5;
const CONNECTIONS: usize = 128;
/// What the issue asks for.
const GOAL_MS: f64 = 100.0;

type Sent = Arc<Mutex<HashMap<String, Instant>>>;

pub(super) async fn measure(stack: &Stack, per_second: f64) -> io::Result<Row> {
    let service = stack.serve("api").await?;
    let per_tick = rounded(per_second / 200.0).max(1);
    let total = per_tick * 200 * SECONDS;
    let order = intake::small_order(stack);
    let intents: Vec<Posted> = (0..total)
        .map(|n| stack.owner(n % stack.market.owners.len()).intent(stack.domain(), &order))
        .collect();
    let sent = Sent::default();
    let listener = tokio::spawn(listen(service.api_url.clone(), Arc::clone(&sent), total));
    let load = offer(&service.api_url, intents, per_tick, &sent).await;
    let mut samples = listener.await.map_err(io::Error::other)??;
    load?;
    let p99 = quantile(&mut samples, 990)?;
    Ok(Row::new("intent_to_stream_p99", p99, "ms", GOAL_MS))
}

fn rounded(x: f64) -> usize {
    format!("{x:.0}").parse().unwrap_or(1)
}

/// Offers `per_tick` intents every 5 ms, whether or not the earlier ones are answered.
async fn offer(url: &str, intents: Vec<Posted>, per_tick: usize, sent: &Sent) -> io::Result<()> {
    let (send, receive) = mpsc::channel::<Posted>(per_tick * 400);
    let receive = Arc::new(tokio::sync::Mutex::new(receive));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let receive = Arc::clone(&receive);
        let mut connection = Connection::open(url).await?;
        tasks.spawn(async move {
            loop {
                let next = receive.lock().await.recv().await;
                let Some(posted) = next else { return Ok::<_, io::Error>(()) };
                let body = posted.body.to_string().into_bytes();
                let (status, body) = connection.post("/v1/intents", &body).await?;
                if status != 201 {
                    return Err(io::Error::other(String::from_utf8_lossy(&body).into_owned()));
                }
            }
        });
    }
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let mut intents = intents.into_iter();
    loop {
        tick.tick().await;
        let part: Vec<Posted> = intents.by_ref().take(per_tick).collect();
        if part.is_empty() {
            break;
        }
        for posted in part {
            let now = Instant::now();
            if let Ok(mut sent) = sent.lock() {
                sent.insert(posted.id.to_string(), now);
            }
            send.send(posted).await.map_err(io::Error::other)?;
        }
    }
    drop(send);
    while let Some(done) = tasks.join_next().await {
        done.map_err(io::Error::other)??;
    }
    Ok(())
}

/// Follows the stream until all were seen; milliseconds each.
async fn listen(url: String, sent: Sent, total: usize) -> io::Result<Vec<f64>> {
    let client = infra::http::client(Duration::from_secs(60)).map_err(io::Error::other)?;
    let request = client.get(format!("{url}/v1/events?from=now"));
    let response = request.header("accept", "text/event-stream").send().await;
    let mut events = response.map_err(io::Error::other)?.bytes_stream().eventsource();
    let mut samples = Vec::with_capacity(total);
    while samples.len() < total {
        let event = events.next().await.ok_or_else(|| io::Error::other("the stream ended"))?;
        let event = event.map_err(|e| io::Error::other(e.to_string()))?;
        let seen = Instant::now();
        if event.event != "intent.opened" {
            continue;
        }
        let body: Value = serde_json::from_str(&event.data)?;
        let id = body["data"]["id"].as_str().unwrap_or_default();
        let began = sent.lock().ok().and_then(|mut sent| sent.remove(id));
        if let Some(began) = began {
            samples.push(seen.duration_since(began).as_secs_f64() * 1_000.0);
        }
    }
    Ok(samples)
}

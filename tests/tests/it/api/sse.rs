//! The stream over Server-Sent Events.

use std::{collections::VecDeque, time::Duration};

use eventsource_stream::{Event, Eventsource};
use futures_util::{StreamExt, stream::LocalBoxStream};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};
use tests::stack::Plan;

use super::edge::Edge;

/// A subscriber. Heartbeats are passed over unless they are asked for.
pub(super) struct Reader {
    events: LocalBoxStream<'static, Option<Event>>,
    seen: VecDeque<Event>,
}

impl Reader {
    pub(super) async fn open(edge: &Edge, query: &str, last_event_id: Option<&str>) -> Self {
        Self::of(&edge.url, query, last_event_id).await
    }

    async fn of(api_url: &str, query: &str, last_event_id: Option<&str>) -> Self {
        let client = infra::http::streaming_client(Duration::from_secs(2), Duration::from_secs(20));
        let url = format!("{api_url}/v1/events{query}");
        let mut request = client.unwrap().get(url).header(ACCEPT, "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        let events = response.bytes_stream().eventsource().map(Result::ok);
        Self { events: events.boxed_local(), seen: VecDeque::new() }
    }

    /// The next frame; `None` at the end of the stream.
    pub(super) async fn any(&mut self) -> Option<Event> {
        if let Some(event) = self.seen.pop_front() {
            return Some(event);
        }
        let next = tokio::time::timeout(Duration::from_secs(15), self.events.next());
        next.await.expect("a frame in time").flatten()
    }

    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.any().await?;
            if event.event != "heartbeat" {
                return Some(event);
            }
        }
    }

    /// The next frame, which must be of this kind, as JSON.
    pub(super) async fn expect(&mut self, kind: &str) -> Value {
        let event = self.next().await.unwrap_or_else(|| panic!("the end instead of {kind}"));
        assert_eq!(event.event, kind, "{}", event.data);
        serde_json::from_str(&event.data).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_hears_everything_from_now_on_and_resumes_without_gap_or_repeat() {
    let edge = Edge::start().await;
    edge.accepted(0).await;
    edge.history(1).await;
    let mut reader = Reader::open(&edge, "", None).await;
    let hello = reader.expect("hello").await;
    assert_eq!(hello["protocol"], "intent-stream.v1");
    assert_eq!((&hello["head_seq"], &hello["oldest_seq"]), (&json!(1), &json!(1)));
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(edge.accepted(n % 4).await.to_string());
    }
    let mut cursors = Vec::new();
    for id in &ids {
        let event = reader.next().await.unwrap();
        assert_eq!(event.event, "intent.opened");
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(data["data"]["id"], *id);
        assert_eq!(data["cursor"], event.id);
        cursors.push(event.id);
    }
    // from each place, by header or by query, exactly the rest follows, and then what is new
    for (n, cursor) in cursors.iter().enumerate() {
        let query = format!("?after={cursor}");
        let (query, header) =
            if n % 2 == 0 { ("", Some(cursor.as_str())) } else { (query.as_str(), None) };
        let mut resumed = Reader::open(&edge, query, header).await;
        resumed.expect("hello").await;
        for rest in &cursors[n + 1..] {
            assert_eq!(resumed.next().await.unwrap().id, *rest);
        }
    }
    let mut old = Reader::open(&edge, "?after=1:1", None).await;
    old.expect("hello").await;
    assert_eq!(old.expect("resync_required").await["reason"], "epoch");
    assert!(old.next().await.is_none(), "the stream ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_while_history_is_read_are_neither_lost_nor_repeated() {
    let edge = Edge::start().await;
    let posting = async {
        for n in 0..60 {
            edge.accepted(n % 4).await;
        }
    };
    let reading = async {
        let first = edge.history(3).await;
        let epoch = first[0]["cursor"].as_str().unwrap().split(':').next().unwrap().to_owned();
        let mut readers = Vec::new();
        for _ in 0..6 {
            readers.push(Reader::open(&edge, &format!("?after={epoch}:0"), None).await);
        }
        for reader in &mut readers {
            reader.expect("hello").await;
            for seq in 1..=60 {
                assert_eq!(reader.expect("intent.opened").await["seq"], seq);
            }
        }
    };
    tokio::join!(posting, reading);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_holds_the_book_and_the_auction_and_deltas_follow() {
    let edge = Edge::for_bids().await;
    let mut open = Vec::new();
    for n in 0..3 {
        open.push(edge.accepted(n).await.to_string());
    }
    let gone = edge.accepted(3).await;
    edge.cancel(3, &[gone]).await;
    let (_market, auction) = edge.open().await;
    edge.history(6).await;
    let mut reader = Reader::open(&edge, "?from=snapshot", None).await;
    reader.expect("hello").await;
    let frame = reader.next().await.unwrap();
    let part: Value = serde_json::from_str(&frame.data).unwrap();
    assert_eq!((&part["part"], &part["last"]), (&json!(0), &json!(true)));
    assert_eq!(part["cursor"], frame.id);
    let ids: Vec<_> =
        part["intents"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap()).collect();
    assert_eq!(ids, open);
    assert_eq!(part["auction"]["auction_id"], auction);
    let fresh = edge.accepted(3).await;
    assert_eq!(reader.expect("intent.opened").await["data"]["id"], fresh.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_filled_with_heartbeats_and_a_shutdown_says_where_to_resume() {
    let mut edge = Edge::with(Plan::default(), |config| config.api.heartbeat_ms = 100).await;
    edge.accepted(0).await;
    let history = edge.history(1).await;
    let mut reader = Reader::open(&edge, "?from=now", None).await;
    reader.expect("hello").await;
    for _ in 0..3 {
        let beat = reader.any().await.unwrap();
        assert_eq!((beat.event.as_str(), beat.data.as_str()), ("heartbeat", "{\"head_seq\":1}"));
    }
    edge.shut_down().await;
    assert_eq!(reader.expect("closing").await["cursor"], history[0]["cursor"]);
    assert!(reader.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn history_with_a_hole_is_not_told_as_if_it_were_whole() {
    let edge = Edge::start().await;
    for n in 0..4 {
        edge.accepted(n).await;
    }
    let history = edge.history(4).await;
    let epoch = history[0]["cursor"].as_str().unwrap().split(':').next().unwrap();
    // the api has not seen these events itself
    let service = edge.stack.serve("api").await.unwrap();
    sqlx::query("DELETE FROM event WHERE seq = 3").execute(&edge.pool).await.unwrap();
    let mut reader = Reader::of(&service.api_url, &format!("?after={epoch}:1"), None).await;
    reader.expect("hello").await;
    assert_eq!(reader.expect("intent.opened").await["seq"], 2);
    assert_eq!(reader.expect("resync_required").await["reason"], "gap");
    assert!(reader.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_places() {
    let edge = Edge::with(Plan::default(), |config| config.api.max_streams = 2).await;
    let first = Reader::open(&edge, "", None).await;
    let _second = Reader::open(&edge, "", None).await;
    let full = edge.client.get("/v1/events").await.unwrap();
    assert_eq!((full.status, &full.body["code"]), (503, &json!("busy")));
    drop(first);
    tests::wait::until("the place being free", Duration::from_secs(10), || async {
        let request = edge.client.http().get(edge.client.at("/v1/events")).send().await.unwrap();
        if request.status() == 200 { Ok(()) } else { Err(request.status().to_string()) }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_the_same_stores_tell_the_same_story() {
    let edge = Edge::start().await;
    let service = edge.stack.serve("api").await.unwrap();
    let other = tests::client::Client::new(&service.api_url).unwrap();
    let mut reader = Reader::open(&edge, "", None).await;
    reader.expect("hello").await;
    let posted = edge.signed(0);
    assert_eq!(other.post("/v1/intents", &posted.body).await.unwrap().status, 201);
    assert_eq!(reader.expect("intent.opened").await["data"]["id"], posted.id.to_string());
    assert_eq!(edge.client.post("/v1/intents", &posted.body).await.unwrap().status, 200);
}

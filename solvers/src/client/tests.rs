//! The client against a server that says exactly what a test wants.

use std::time::Duration;

use alloy_primitives::B256;
use domain::event::{Event, IntentGone};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;
use crate::wire::StreamEvent;

/// Answers one connection per script, then yields the request heads.
async fn serve(scripts: Vec<String>) -> (Client, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut heads = Vec::new();
        for script in scripts {
            let (mut socket, _) = listener.accept().await.unwrap();
            heads.push(head_of(&mut socket).await);
            socket.write_all(script.as_bytes()).await.unwrap();
        }
        heads
    });
    (Client::new(&base).unwrap(), served)
}

/// Reads a request's head: a socket closed with unread bytes would reset the connection.
async fn head_of(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}

fn sse(frames: &[String]) -> String {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    format!("{head}{}", frames.concat())
}

fn frame(name: &str, data: &serde_json::Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn hello(epoch: u64, head_seq: u64) -> String {
    let hello = json!({"protocol": "intent-stream.v1", "epoch": epoch, "head_seq": head_seq,
        "oldest_seq": 1, "server_time_ms": 0, "heartbeat_ms": 1000, "limits": {}});
    frame("hello", &hello)
}

fn event(epoch: u64, seq: u64) -> String {
    let id = domain::IntentId::new(B256::ZERO);
    let event = StreamEvent {
        cursor: Cursor { epoch, seq },
        seq,
        at_ms: 0,
        event: Event::IntentExpired(IntentGone { id }),
    };
    frame("intent.expired", &serde_json::to_value(event).unwrap())
}

fn snapshot(epoch: u64, seq: u64) -> String {
    let data = json!({"part": 0, "last": true, "cursor": format!("{epoch}:{seq}"),
        "intents": [], "auction": null});
    frame("snapshot", &data)
}

/// The next thing that matters, told shortly.
async fn next(source: &mut EventSource) -> String {
    loop {
        let item = tokio::time::timeout(Duration::from_secs(10), source.next()).await;
        match item.expect("an item in time").unwrap() {
            StreamItem::Hello(_) | StreamItem::Heartbeat(_) => {}
            StreamItem::Snapshot(part) => return format!("snapshot {}", part.cursor),
            StreamItem::Event(event) => return format!("event {}", event.cursor),
            StreamItem::Resync(why) => return format!("resync {}", why.reason),
        }
    }
}

#[tokio::test]
async fn a_broken_stream_is_resumed_behind_the_last_event() {
    let (client, served) = serve(vec![
        sse(&[hello(1, 5), snapshot(1, 5), event(1, 6)]),
        sse(&[hello(1, 7), event(1, 6), event(1, 7)]),
    ])
    .await;
    let mut source = client.events(SubscribeFrom::Snapshot);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(next(&mut source).await);
    }
    assert_eq!(seen, ["snapshot 1:5", "event 1:6", "event 1:7"]);
    assert_eq!(source.cursor(), Some(Cursor { epoch: 1, seq: 7 }));
    let heads = served.await.unwrap();
    assert!(heads[0].contains("get /v1/events?from=snapshot"), "{}", heads[0]);
    assert!(heads[1].contains("last-event-id: 1:6"), "{}", heads[1]);
}

#[tokio::test]
async fn a_gap_another_epoch_and_a_resync_start_again_from_a_snapshot() {
    let lost = frame("resync_required", &json!({"reason": "slow_reader"}));
    let (client, served) = serve(vec![
        sse(&[hello(1, 5), event(1, 6), event(1, 8)]),
        sse(&[hello(1, 8), snapshot(1, 8), lost]),
        sse(&[hello(1, 9), snapshot(1, 9)]),
        sse(&[hello(2, 3)]),
        sse(&[hello(2, 3), snapshot(2, 3)]),
    ])
    .await;
    let mut source = client.events(SubscribeFrom::After(Cursor { epoch: 1, seq: 5 }));
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.push(next(&mut source).await);
    }
    let expected = [
        "event 1:6",
        "resync gap",
        "snapshot 1:8",
        "resync slow_reader",
        "snapshot 1:9",
        "resync epoch",
        "snapshot 2:3",
    ];
    assert_eq!(seen, expected);
    let heads = served.await.unwrap();
    assert!(heads[3].contains("last-event-id: 1:9"), "{}", heads[3]);
    assert!(heads[4].contains("from=snapshot"), "{}", heads[4]);
}

#[tokio::test]
async fn events_of_an_unknown_kind_are_passed_over_without_a_gap() {
    let news = json!({"cursor": "1:6", "seq": 6, "at_ms": 0, "kind": "solver.praised", "data": {}});
    let (client, _served) =
        serve(vec![sse(&[hello(1, 5), frame("solver.praised", &news), event(1, 7)])]).await;
    let mut source = client.events(SubscribeFrom::After(Cursor { epoch: 1, seq: 5 }));
    assert_eq!(next(&mut source).await, "event 1:7");
}

#[tokio::test]
async fn a_silent_connection_counts_as_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let server = tokio::spawn(async move {
        let (mut silent, _) = listener.accept().await.unwrap();
        head_of(&mut silent).await;
        silent.write_all(sse(&[hello(1, 5)]).as_bytes()).await.unwrap();
        let (mut second, _) = listener.accept().await.unwrap();
        head_of(&mut second).await;
        second.write_all(sse(&[hello(1, 6), event(1, 6)]).as_bytes()).await.unwrap();
        silent
    });
    let mut source = client.events(SubscribeFrom::Now);
    assert_eq!(next(&mut source).await, "event 1:6");
    server.await.unwrap();
}

#[tokio::test]
async fn a_refused_subscription_ends_the_stream_and_says_why() {
    let problem = json!({"type": "urn:gavel:problem:malformed_cursor", "status": 400,
        "code": "malformed_cursor", "detail": "no", "retryable": false});
    let (client, _served) = serve(vec![answer("400 Bad Request", "", &problem.to_string())]).await;
    let error = client.events(SubscribeFrom::Now).next().await.unwrap_err();
    assert_eq!(error.nack().unwrap().code, "malformed_cursor");
    assert!(!error.retryable());
}

#[tokio::test]
async fn a_problem_is_told_with_its_code_and_when_to_ask_again() {
    let problem = json!({"type": "urn:gavel:problem:busy", "title": "Busy", "status": 503,
        "code": "busy", "detail": "queue is full", "retryable": true});
    let (client, _served) = serve(vec![
        answer("503 Service Unavailable", "retry-after: 2\r\n", &problem.to_string()),
        answer("502 Bad Gateway", "", "<html>"),
        answer("200 OK", "", "{}"),
    ])
    .await;
    let error = client.chain().await.unwrap_err();
    assert!(error.retryable());
    let ClientError::Refused { nack, retry_after } = error else { panic!("{error}") };
    assert_eq!((nack.code.as_str(), retry_after), ("busy", Some(Duration::from_secs(2))));
    let error = client.chain().await.unwrap_err();
    assert!(matches!(error, ClientError::Status { status: 502, transient: true }), "{error}");
    let error = client.chain().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreadable(_)) && !error.retryable(), "{error}");
}

#[test]
fn only_http_urls_are_bases() {
    for base in ["", "localhost:8080", "ftp://host", "http://", "/v1"] {
        assert!(matches!(Client::new(base), Err(ClientError::BaseUrl(_))), "{base}");
    }
}

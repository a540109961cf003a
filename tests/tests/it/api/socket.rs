//! The stream over a WebSocket, and bids the other way.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::stack::Plan;
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};

use super::edge::Edge;

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(edge: &Edge) -> Self {
        let url = format!("{}/v1/stream", edge.url.replace("http://", "ws://"));
        Self(connect_async(url).await.unwrap().0)
    }

    async fn say(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn message(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(15), self.0.next());
        next.await.expect("a message in time").expect("no end yet").unwrap()
    }

    /// The next frame that is no heartbeat, which must be of this type.
    async fn expect(&mut self, kind: &str) -> Value {
        loop {
            let message = self.message().await;
            let Message::Text(text) = message else {
                assert!(message.is_ping(), "{message:?} instead of {kind}");
                continue;
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["type"] != "heartbeat" {
                assert_eq!(frame["type"], kind, "{frame:#}");
                return frame;
            }
        }
    }

    /// All that still comes, as bytes: whoever reads frames answers pings.
    async fn unanswered(self) -> Vec<u8> {
        let MaybeTlsStream::Plain(mut tcp) = self.0.into_inner() else { panic!("no plain stream") };
        let mut said = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(15), tcp.read_to_end(&mut said));
        end.await.expect("an end in time").unwrap();
        said
    }

    async fn closed(&mut self) -> CloseFrame {
        loop {
            match self.message().await {
                Message::Close(Some(frame)) => return frame,
                Message::Close(None) => panic!("closed without a word"),
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solver_subscribes_bids_and_is_answered_under_its_reference() {
    let edge = Edge::for_bids().await;
    let intent = edge.accepted(0).await;
    let mut socket = Socket::open(&edge).await;
    let hello = socket.expect("hello").await;
    assert_eq!(hello["protocol"], "intent-stream.v1");
    socket.say(json!({"type": "ping"})).await;
    socket.expect("pong").await;
    socket.say(json!({"type": "subscribe", "from": "snapshot"})).await;
    let snapshot = socket.expect("snapshot").await;
    assert_eq!(snapshot["intents"][0]["id"], intent.to_string());
    let (_market, auction) = edge.open().await;
    let opened = loop {
        let event = socket.expect("event").await;
        if event["kind"] == "auction.opened" {
            break event;
        }
    };
    assert_eq!(opened["data"]["auction_id"], auction);

    let (id, bid) = edge.sign(0, edge.bid(0, auction, (intent, 10u128.pow(18), 2_480_000_000)));
    let mut frame = bid.clone();
    frame["type"] = json!("bid.submit");
    frame["ref"] = json!("mine-1");
    frame["auction_id"] = json!(auction);
    socket.say(frame.clone()).await;
    let ack = socket.expect("bid.ack").await;
    assert_eq!((&ack["ref"], &ack["receipt"]["bid"]), (&json!("mine-1"), &json!(id)));
    assert_eq!(ack["receipt"]["open_hash"], opened["data"]["open_hash"]);
    // the same bid over REST is the same bid
    let again = edge.post_bid(auction, &bid).await;
    assert_eq!((again.status, &again.body["receipt"]), (200, &ack["receipt"]));

    frame["ref"] = json!("mine-2");
    frame["signature"] = json!("0x00");
    socket.say(frame).await;
    let nack = socket.expect("bid.nack").await;
    assert_eq!((&nack["ref"], &nack["code"]), (&json!("mine-2"), &json!("signature_invalid")));
    assert_eq!(nack["retryable"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_cannot_be_read_are_answered_and_the_connection_stays() {
    let edge = Edge::start().await;
    let mut socket = Socket::open(&edge).await;
    socket.expect("hello").await;
    socket.0.send(Message::text("{")).await.unwrap();
    assert_eq!(socket.expect("error").await["code"], "malformed_json");
    for frame in [json!({}), json!({"type": "dance"}), json!({"type": "subscribe", "from": "then"})]
    {
        socket.say(frame).await;
        assert_eq!(socket.expect("error").await["code"], "message_invalid");
    }
    socket.say(json!({"type": "subscribe", "from": "now"})).await;
    let id = edge.accepted(0).await;
    assert_eq!(socket.expect("event").await["data"]["id"], id.to_string());
    let cursor = edge.history(1).await[0]["cursor"].as_str().unwrap().to_owned();
    let second = edge.accepted(1).await;
    assert_eq!(socket.expect("event").await["data"]["id"], second.to_string());

    // resumed in another connection from its cursor
    let mut resumed = Socket::open(&edge).await;
    resumed.expect("hello").await;
    resumed.say(json!({"type": "subscribe", "from": cursor})).await;
    assert_eq!(resumed.expect("event").await["data"]["id"], second.to_string());
    resumed.say(json!({"type": "subscribe", "from": "7:7"})).await;
    assert_eq!(resumed.expect("resync_required").await["reason"], "epoch");
    assert!(resumed.closed().await.reason.contains("epoch"));

    socket.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(u16::from(socket.closed().await.code), 1003);
    let plain = edge.client.get("/v1/stream").await.unwrap();
    assert_eq!((plain.status, &plain.body["code"]), (426, &json!("upgrade_required")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_closed_and_a_shutdown_says_where_to_resume() {
    // long enough for a machine with other things to do
    let mut edge = Edge::with(Plan::default(), |config| config.api.heartbeat_ms = 500).await;
    // a client that answers no ping: it never reads
    let mut mute = Socket::open(&edge).await;
    mute.expect("hello").await;
    let mut alive = Socket::open(&edge).await;
    alive.expect("hello").await;
    alive.say(json!({"type": "subscribe", "from": "now"})).await;
    let id = edge.accepted(0).await;
    assert_eq!(alive.expect("event").await["data"]["id"], id.to_string());
    let cursor = edge.history(1).await[0]["cursor"].as_str().unwrap().to_owned();
    let unanswered = mute.unanswered();
    tokio::pin!(unanswered);
    let said = loop {
        // pings are answered while messages are awaited
        tokio::select! {
            said = &mut unanswered => break said,
            _ = alive.message() => {}
        }
    };
    let mut close = vec![0x88, 17];
    close.extend(1008u16.to_be_bytes());
    close.extend(b"no sign of life");
    assert!(said.ends_with(&close), "{said:?}");
    let (_, closed) = tokio::join!(edge.shut_down(), alive.closed());
    assert_eq!(u16::from(closed.code), 1012, "{closed:?}");
    assert!(closed.reason.contains(&cursor), "{closed:?}");
}

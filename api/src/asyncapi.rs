//! The AsyncAPI document of the stream, made of the same schemas as the OpenAPI document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use solvers::wire::{
    BidTerms, Cursor, Heartbeat, Hello, LegMessage, PROTOCOL, ResyncRequired, ServerFrame,
    Snapshot, StreamEvent,
};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// Start, or start again, to receive.
#[derive(ToSchema)]
#[schema(as = Subscribe)]
#[allow(dead_code, reason = "read by the schema macro only")]
struct Subscribe {
    /// `subscribe`
    #[schema(pattern = "^subscribe$")]
    r#type: String,
    /// `snapshot`, `now`, or the cursor of the last event seen.
    #[schema(pattern = "^(snapshot|now|[0-9]+:[0-9]+)$")]
    from: String,
}

/// A sealed bid.
#[derive(ToSchema)]
#[schema(as = BidSubmit)]
#[allow(dead_code, reason = "read by the schema macro only")]
struct BidSubmit {
    /// `bid.submit`
    #[schema(pattern = "^bid\\.submit$")]
    r#type: String,
    /// Comes back in the answer; 128 bytes at most.
    r#ref: String,
    /// The auction it is for.
    auction_id: u64,
    bid: BidTerms,
    /// 1 to 1024 transfers.
    legs: Vec<LegMessage>,
    /// The data the filler is called with; absent means none.
    callback: Option<String>,
    /// 64 (EIP-2098) or 65 bytes over the bid's EIP-712 digest.
    #[schema(pattern = "^0x[0-9a-fA-F]{128,130}$")]
    signature: String,
}

/// Asks for a pong.
#[derive(ToSchema)]
#[schema(as = Ping)]
#[allow(dead_code, reason = "read by the schema macro only")]
struct Ping {
    /// `ping`
    #[schema(pattern = "^ping$")]
    r#type: String,
}

/// The last frame of a Server-Sent Events stream at a shutdown.
#[derive(ToSchema)]
#[schema(as = Closing)]
#[allow(dead_code, reason = "read by the schema macro only")]
struct Closing {
    /// Resume after this event.
    cursor: Cursor,
}

/// What a client says on the WebSocket.
const FROM_CLIENT: &[(&str, &str, &str)] = &[
    ("subscribe", "Subscribe", "Start, or start again, to receive events"),
    ("bid.submit", "BidSubmit", "Send a sealed bid; answered by bid.ack or bid.nack"),
    ("ping", "Ping", "Answered by pong"),
];

/// What a Server-Sent Events stream says, by its `event:` field.
const SERVER_SENT: &[(&str, &str, &str)] = &[
    ("hello", "Hello", "First of all"),
    ("snapshot", "Snapshot", "A part of the present state; the last has an id"),
    ("event", "StreamEvent", "`event:` is the event's kind, `id:` its cursor"),
    ("heartbeat", "Heartbeat", "While nothing else is sent"),
    ("resync_required", "ResyncRequired", "Events were lost to this reader; the stream ends"),
    ("closing", "Closing", "The process stops; the stream ends"),
];

/// The document of `/v1/stream` and `/v1/events`.
#[must_use]
pub fn asyncapi() -> Value {
    let mut schemas = BTreeMap::new();
    add::<ServerFrame>(&mut schemas);
    add::<StreamEvent>(&mut schemas);
    add::<Hello>(&mut schemas);
    add::<Snapshot>(&mut schemas);
    add::<Heartbeat>(&mut schemas);
    add::<ResyncRequired>(&mut schemas);
    add::<Closing>(&mut schemas);
    add::<Subscribe>(&mut schemas);
    add::<BidSubmit>(&mut schemas);
    add::<Ping>(&mut schemas);
    let server = [("frame", "ServerFrame", "Told apart by `type`")];
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gavel stream",
            "version": PROTOCOL,
            "description": "Everything that happens in the market, over WebSocket (both ways) or \
                Server-Sent Events. The bodies are the same on both, and in the JSON pages of \
                GET /v1/events.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "description": "WebSocket. Subscribe, receive, bid.",
                "messages": references(server.iter().chain(FROM_CLIENT), "ws"),
                "bindings": {"ws": {"method": "GET"}},
            },
            "events": {
                "address": "/v1/events",
                "description": "Server-Sent Events. Resume with Last-Event-ID.",
                "messages": references(SERVER_SENT.iter(), "sse"),
                "bindings": {"http": {}},
            },
        },
        "operations": {
            "receiveFrames": operation("send", "stream", server.iter(), "What the server says"),
            "sendFrames": operation("receive", "stream", FROM_CLIENT.iter(), "What a client says"),
            "receiveEvents": operation("send", "events", SERVER_SENT.iter(), "What the server says"),
        },
        "components": {
            "messages": messages(&server),
            "schemas": schemas,
        },
    })
}

/// A type's schema with all it refers to.
fn add<T: ToSchema>(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let mut nested = Vec::new();
    T::schemas(&mut nested);
    schemas.extend(nested);
    schemas.insert(T::name().into_owned(), T::schema());
}

type Message = (&'static str, &'static str, &'static str);

/// A name for a message that is a legal component key.
fn key(transport: &str, name: &str) -> String {
    format!("{transport}.{name}")
}

fn references<'a>(list: impl Iterator<Item = &'a Message>, transport: &str) -> Map<String, Value> {
    let reference = |(name, _, _): &Message| {
        let key = key(transport, name);
        ((*name).to_owned(), json!({"$ref": format!("#/components/messages/{key}")}))
    };
    list.map(reference).collect()
}

/// `action` is the server's: it sends what a client receives.
fn operation<'a>(
    action: &str,
    channel: &str,
    list: impl Iterator<Item = &'a Message>,
    summary: &str,
) -> Value {
    let message =
        |(name, _, _): &Message| json!({"$ref": format!("#/channels/{channel}/messages/{name}")});
    json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{channel}")},
        "summary": summary,
        "messages": list.map(message).collect::<Vec<_>>(),
    })
}

fn messages(server: &[Message]) -> Map<String, Value> {
    let mut all = Map::new();
    for (transport, list) in [("ws", server), ("ws", FROM_CLIENT), ("sse", SERVER_SENT)] {
        for (name, schema, summary) in list {
            let message = json!({
                "name": name,
                "summary": summary,
                "payload": {"$ref": format!("#/components/schemas/{schema}")},
            });
            all.insert(key(transport, name), message);
        }
    }
    all
}

//! Frames of the stream `intent-stream.v1`: the same bodies on WebSocket, SSE and REST backfill.

use std::{fmt, str::FromStr};

use domain::event::{AuctionOpened, Event, IntentOpened};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::{Nack, Receipt};

mod client_frame;

pub use client_frame::{ClientFrame, FrameError, SubscribeFrom};

/// The stream's name and version, the first thing said on it.
pub const PROTOCOL: &str = "intent-stream.v1";

/// A place in the stream: `epoch:seq`. Numbers are gap-free within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Changes only when the server's own history went back.
    pub epoch: u64,
    /// The last event seen; 0 = none.
    pub seq: u64,
}

/// The text is not `epoch:seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be epoch:seq, two decimal numbers")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (epoch, seq) = text.split_once(':').ok_or(InvalidCursor)?;
        let number = |digits: &str| -> Result<u64, InvalidCursor> {
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|_| plain).ok_or(InvalidCursor)
        };
        Ok(Self { epoch: number(epoch)?, seq: number(seq)? })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.pattern(Some("^[0-9]+:[0-9]+$")).examples(["1:42"]).into()
    }
}

impl ToSchema for Cursor {}

/// One event: `{"cursor","seq","at_ms","kind","data"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamEvent {
    /// Its place; resume after it by sending it back.
    pub cursor: Cursor,
    /// Its number.
    pub seq: u64,
    /// When it happened, Unix milliseconds.
    pub at_ms: u64,
    /// What happened: `kind` and `data`.
    #[serde(flatten)]
    pub event: Event,
}

/// A page of `GET /v1/events` as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// The events after the cursor asked for, in order.
    pub items: Vec<StreamEvent>,
    /// Where the page ends: pass as `after`.
    pub next: Cursor,
}

/// The first frame of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: String,
    /// The epoch of every cursor that follows.
    pub epoch: u64,
    /// The last event there is.
    pub head_seq: u64,
    /// The oldest event that can still be resumed from.
    pub oldest_seq: u64,
    /// The server's clock, Unix milliseconds.
    pub server_time_ms: u64,
    /// A heartbeat comes at least this often, milliseconds.
    pub heartbeat_ms: u64,
    /// What a client may send.
    pub limits: StreamLimits,
}

/// What a client may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StreamLimits {
    /// The largest frame or body, bytes.
    pub max_body_bytes: u64,
    /// The most bids one solver may queue in one auction.
    pub max_bids_per_solver: u64,
    /// Events buffered for a slow reader before it is told to resync.
    pub buffered_events: u64,
}

/// A part of the market's present state. Deltas follow the last part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// 0, 1, 2, …
    pub part: u32,
    /// Whether this is the last part.
    pub last: bool,
    /// The event this state includes; deltas start after it.
    pub cursor: Cursor,
    /// Open intents.
    pub intents: Vec<IntentOpened>,
    /// The auction that takes bids now, in the last part.
    pub auction: Option<AuctionOpened>,
}

/// Sent while nothing else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Heartbeat {
    /// The last event there is.
    pub head_seq: u64,
}

/// Events were lost to this client; it must start again from a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResyncRequired {
    /// Why: `retention`, `epoch`, `slow_reader` or `gap`.
    #[serde(default)]
    pub reason: String,
}

/// What a server says on the WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type")]
pub enum ServerFrame {
    /// First of all.
    #[serde(rename = "hello")]
    Hello(Hello),
    /// Present state.
    #[serde(rename = "snapshot")]
    Snapshot(Snapshot),
    /// Something happened.
    #[serde(rename = "event")]
    Event(Box<StreamEvent>),
    /// Nothing happened.
    #[serde(rename = "heartbeat")]
    Heartbeat(Heartbeat),
    /// A bid was queued.
    #[serde(rename = "bid.ack")]
    BidAck {
        /// The client's own reference of the submission.
        #[serde(rename = "ref")]
        reference: String,
        /// The promise.
        receipt: Receipt,
        /// The rule the bid breaks by itself, as in [`BidAccepted`](super::BidAccepted).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<domain::auction::DropReason>)]
        advice: Option<serde_json::Value>,
    },
    /// A bid was refused.
    #[serde(rename = "bid.nack")]
    BidNack {
        /// The client's own reference of the submission.
        #[serde(rename = "ref")]
        reference: String,
        /// Why.
        #[serde(flatten)]
        nack: Nack,
    },
    /// A frame that could not be read.
    #[serde(rename = "error")]
    Error(Nack),
    /// The answer to a ping.
    #[serde(rename = "pong")]
    Pong,
    /// Start again from a snapshot; the server closes.
    #[serde(rename = "resync_required")]
    ResyncRequired(ResyncRequired),
}

#[cfg(test)]
mod tests;

//! From a server-sent event to what it means.

use serde::{Deserialize, de::DeserializeOwned};

use super::ClientError;
use crate::wire::{Cursor, Heartbeat, Hello, ResyncRequired, Snapshot, StreamEvent};

/// What a stream yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamItem {
    /// The stream is connected.
    Hello(Hello),
    /// A part of the present state. After the last one, events follow without a gap.
    Snapshot(Box<Snapshot>),
    /// Something happened.
    Event(Box<StreamEvent>),
    /// Nothing happened.
    Heartbeat(Heartbeat),
    /// Events were lost. What was known is stale; a snapshot follows.
    Resync(ResyncRequired),
}

/// A frame before the source has looked at its place in the stream.
#[derive(Debug)]
pub(super) enum Frame {
    Item(StreamItem),
    /// An event of a kind this client does not know: passed over, but it has its place.
    Unknown {
        cursor: Cursor,
    },
    /// Not a frame of this protocol.
    Other,
}

#[derive(Deserialize)]
struct EventHead {
    cursor: Cursor,
    kind: String,
}

/// Reads a server-sent event.
pub(super) fn read(name: &str, data: &str) -> Result<Frame, ClientError> {
    let item = match name {
        "hello" => StreamItem::Hello(json(data)?),
        "snapshot" => StreamItem::Snapshot(json(data)?),
        "heartbeat" => StreamItem::Heartbeat(json(data)?),
        "resync_required" => StreamItem::Resync(json(data)?),
        // the connection ends after it, and is made again wherever the API is then
        "closing" => return Ok(Frame::Other),
        _ => return event(name, data),
    };
    Ok(Frame::Item(item))
}

/// Servers may add kinds of events: those are passed over. A known kind with an unknown body
/// reads the same way, and is said.
fn event(name: &str, data: &str) -> Result<Frame, ClientError> {
    let error = match serde_json::from_str::<StreamEvent>(data) {
        Ok(event) => return Ok(Frame::Item(StreamItem::Event(Box::new(event)))),
        Err(error) => error,
    };
    match serde_json::from_str::<EventHead>(data) {
        Ok(EventHead { cursor, kind }) => {
            tracing::warn!(%cursor, kind, %error, "event passed over");
            Ok(Frame::Unknown { cursor })
        }
        Err(_) => {
            tracing::warn!(name, "frame passed over");
            Ok(Frame::Other)
        }
    }
}

fn json<T: DeserializeOwned>(data: &str) -> Result<T, ClientError> {
    serde_json::from_str(data).map_err(ClientError::Unreadable)
}

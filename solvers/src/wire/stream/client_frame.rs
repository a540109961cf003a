//! What a client says on the WebSocket.

use std::str::FromStr;

use domain::{
    AuctionId,
    fields::Fields,
    intent::{FieldErrors, FieldFault},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::{Cursor, InvalidCursor};

/// The longest reference of a submission, bytes.
const MAX_REFERENCE: usize = 128;

/// Where a subscription starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscribeFrom {
    /// The present state first, then every change.
    Snapshot,
    /// Changes from now on.
    Now,
    /// Every change after this event.
    After(Cursor),
}

impl FromStr for SubscribeFrom {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        match text {
            "snapshot" => Ok(Self::Snapshot),
            "now" => Ok(Self::Now),
            cursor => cursor.parse().map(Self::After),
        }
    }
}

impl Serialize for SubscribeFrom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Snapshot => serializer.serialize_str("snapshot"),
            Self::Now => serializer.serialize_str("now"),
            Self::After(cursor) => cursor.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SubscribeFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A frame from a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientFrame {
    /// `{"type":"subscribe","from":"snapshot"|"now"|"<cursor>"}`
    Subscribe {
        /// Where to start.
        from: SubscribeFrom,
    },
    /// `{"type":"bid.submit","ref":"…","auction_id":n,"bid":{…},"legs":[…],"callback"?,"signature"}`
    BidSubmit {
        /// Comes back in the answer.
        reference: String,
        /// The auction it is for.
        auction_id: AuctionId,
        /// The rest, for [`BidSubmission::parse`](crate::wire::BidSubmission::parse): its errors
        /// are answered under the reference.
        body: Map<String, Value>,
    },
    /// `{"type":"ping"}`
    Ping,
}

/// Why a frame cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// `type` is absent or none of those known.
    #[error("type must be subscribe, bid.submit or ping")]
    UnknownType,
    /// Its fields are wrong.
    #[error(transparent)]
    Fields(#[from] FieldErrors),
}

impl ClientFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// An unknown type, or every field that is absent, unknown or wrong.
    pub fn parse(mut frame: Map<String, Value>) -> Result<Self, FrameError> {
        let kind = frame.remove("type");
        match kind.as_ref().and_then(Value::as_str) {
            Some("subscribe") => subscribe(&frame),
            Some("bid.submit") => bid_submit(frame),
            Some("ping") => {
                Fields::new(&frame).finish(Some(Self::Ping)).map_err(FrameError::Fields)
            }
            _ => Err(FrameError::UnknownType),
        }
    }
}

fn subscribe(frame: &Map<String, Value>) -> Result<ClientFrame, FrameError> {
    let mut fields = Fields::new(frame);
    let from = fields.required("from").and_then(|value| fields.text("from", value));
    let from = from.and_then(|text| match text.parse() {
        Ok(from) => Some(from),
        Err(InvalidCursor) => {
            fields.fail("from", FieldFault::NotAllowed, "must be snapshot, now or epoch:seq");
            None
        }
    });
    Ok(fields.finish(from.map(|from| ClientFrame::Subscribe { from }))?)
}

fn bid_submit(mut frame: Map<String, Value>) -> Result<ClientFrame, FrameError> {
    let mut head = Map::new();
    for name in ["ref", "auction_id"] {
        if let Some(value) = frame.remove(name) {
            head.insert(name.to_owned(), value);
        }
    }
    let mut fields = Fields::new(&head);
    let reference = fields.required("ref").and_then(|value| fields.text("ref", value));
    if reference.is_some_and(|text| text.len() > MAX_REFERENCE) {
        fields.fail("ref", FieldFault::TooLarge, "must be at most 128 bytes");
    }
    let auction = fields.integer("auction_id", u64::MAX);
    let head = reference.map(str::to_owned).zip(auction);
    let (reference, auction) = fields.finish(head)?;
    Ok(ClientFrame::BidSubmit { reference, auction_id: AuctionId::new(auction), body: frame })
}

//! An event, written down once for everybody it is sent to.

use actix_web::web::Bytes;
use infra::pg::event::{Cursor, StreamedEvent};

/// One event in the forms of both transports.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) cursor: Cursor,
    json: Box<str>,
    sse: Bytes,
}

impl Frame {
    pub(crate) fn new(event: &StreamedEvent) -> Self {
        let json = event.json();
        // JSON holds no raw line breaks, so it is one `data:` line
        let sse = format!("id: {}\nevent: {}\ndata: {json}\n\n", event.cursor(), event.kind);
        Self { cursor: event.cursor(), json: json.into(), sse: sse.into() }
    }

    /// `{"cursor","seq","at_ms","kind","data"}`
    #[cfg(test)]
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    /// As a Server-Sent Event.
    pub(crate) fn sse(&self) -> Bytes {
        self.sse.clone()
    }

    /// As a WebSocket message: the same object with `"type":"event"` in front.
    pub(crate) fn ws(&self) -> String {
        let mut text = String::with_capacity(self.json.len() + 16);
        text.push_str("{\"type\":\"event\",");
        text.push_str(self.json.get(1..).unwrap_or_default());
        text
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::value::RawValue;

    use super::*;

    pub(crate) fn event(epoch: u64, seq: u64) -> StreamedEvent {
        StreamedEvent {
            epoch,
            seq,
            at_ms: 17,
            kind: "auction.published".to_owned(),
            data: RawValue::from_string(format!("{{\"auction_id\":{seq}}}")).unwrap(),
        }
    }

    #[test]
    fn both_transports_carry_the_same_object() {
        let frame = Frame::new(&event(3, 9));
        let mut ws: serde_json::Value = serde_json::from_str(&frame.ws()).unwrap();
        assert_eq!(ws.as_object_mut().unwrap().remove("type").unwrap(), "event");
        assert_eq!(ws, serde_json::from_str::<serde_json::Value>(frame.json()).unwrap());
        let sse = String::from_utf8(frame.sse().to_vec()).unwrap();
        assert!(sse.starts_with("id: 3:9\nevent: auction.published\ndata: {"), "{sse}");
        assert!(sse.ends_with("}\n\n"));
    }
}

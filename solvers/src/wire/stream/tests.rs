use alloy_primitives::B256;
use domain::{AuctionId, IntentId, event::IntentGone};
use serde_json::{Map, Value, json};

use super::*;
use crate::wire::SubmissionError;

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn an_event_is_flat_json_with_its_cursor() {
    let event = StreamEvent {
        cursor: Cursor { epoch: 1, seq: 42 },
        seq: 42,
        at_ms: 7,
        event: Event::IntentCancelled(IntentGone { id: IntentId::new(B256::repeat_byte(1)) }),
    };
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(json["cursor"], "1:42");
    assert_eq!(json["kind"], "intent.cancelled");
    assert_eq!(json["data"]["id"], B256::repeat_byte(1).to_string());
    assert_eq!(serde_json::from_value::<StreamEvent>(json).unwrap(), event);
}

#[test]
fn frames_on_the_websocket_carry_their_type() {
    let nack = Nack { late_by_ms: Some(12), ..Nack::new("bid_late", "too late", false) };
    let frame = ServerFrame::BidNack { reference: "r".into(), nack };
    let json = serde_json::to_value(&frame).unwrap();
    assert_eq!(json["type"], "bid.nack");
    assert_eq!(json["ref"], "r");
    assert_eq!(json["late_by_ms"], 12);
    assert_eq!(serde_json::from_value::<ServerFrame>(json).unwrap(), frame);
    assert_eq!(serde_json::to_value(ServerFrame::Pong).unwrap(), json!({"type": "pong"}));
}

#[test]
fn a_cursor_is_two_decimal_numbers() {
    assert_eq!("3:9".parse(), Ok(Cursor { epoch: 3, seq: 9 }));
    for text in ["", "3", "3:", ":9", "+3:9", "3:9:1", "3:-9", "3: 9", "a:b"] {
        assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text:?}");
    }
}

#[test]
fn a_client_subscribes_from_a_snapshot_from_now_or_from_a_cursor() {
    let from = |text: &str| ClientFrame::parse(object(&json!({"type": "subscribe", "from": text})));
    let subscribe = |from| Ok(ClientFrame::Subscribe { from });
    assert_eq!(from("snapshot"), subscribe(SubscribeFrom::Snapshot));
    assert_eq!(from("now"), subscribe(SubscribeFrom::Now));
    assert_eq!(from("1:5"), subscribe(SubscribeFrom::After(Cursor { epoch: 1, seq: 5 })));
    assert!(matches!(from("yesterday"), Err(FrameError::Fields(_))));
}

#[test]
fn a_submission_keeps_its_body_for_the_bids_own_errors() {
    let frame = json!({"type": "bid.submit", "ref": "a", "auction_id": 4, "bid": {}, "legs": []});
    let Ok(ClientFrame::BidSubmit { reference, auction_id, body }) =
        ClientFrame::parse(object(&frame))
    else {
        panic!("a bid.submit frame")
    };
    assert_eq!((reference.as_str(), auction_id), ("a", AuctionId::new(4)));
    let Err(SubmissionError::Fields(errors)) = crate::wire::BidSubmission::parse(body) else {
        panic!("an empty bid")
    };
    let fields: Vec<_> = errors.as_slice().iter().map(|e| e.field.as_str()).collect();
    assert!(fields.contains(&"salt") && fields.contains(&"signature"), "{fields:?}");
}

#[test]
fn unknown_frames_and_fields_are_refused() {
    assert_eq!(ClientFrame::parse(object(&json!({"type": "shout"}))), Err(FrameError::UnknownType));
    assert_eq!(ClientFrame::parse(Map::new()), Err(FrameError::UnknownType));
    let ping = ClientFrame::parse(object(&json!({"type": "ping", "loud": true})));
    assert!(matches!(ping, Err(FrameError::Fields(_))));
}

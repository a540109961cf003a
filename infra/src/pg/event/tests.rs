use domain::{
    AuctionId,
    event::{AuctionPublished, AuctionVoid},
};

use super::*;

fn streamed() -> StreamedEvent {
    let event = Event::AuctionVoid(AuctionVoid {
        auction_id: AuctionId::new(7),
        reason: "a \"quoted\" reason".to_owned(),
    });
    StreamedEvent {
        epoch: 3,
        seq: 9,
        at_ms: 1_700_000_000_123,
        kind: event.kind().to_owned(),
        data: RawValue::from_string(body(&event).unwrap()).unwrap(),
    }
}

#[test]
fn the_wire_json_is_one_object_with_its_cursor() {
    let event = streamed();
    let by_hand: serde_json::Value = serde_json::from_str(&event.json()).unwrap();
    let by_serde: serde_json::Value = serde_json::to_value(&event).unwrap();
    assert_eq!(by_hand, by_serde);
    assert_eq!(by_hand["cursor"], "3:9");
    assert_eq!(by_hand["kind"], "auction.void");
    assert_eq!(by_hand["data"]["reason"], "a \"quoted\" reason");
}

#[test]
fn a_streamed_event_reads_back_as_its_type() {
    assert!(
        matches!(streamed().event().unwrap(), Event::AuctionVoid(void) if void.auction_id == AuctionId::new(7))
    );
    let published = Event::AuctionPublished(AuctionPublished { auction_id: AuctionId::new(1) });
    assert_eq!(body(&published).unwrap(), r#"{"auction_id":1}"#);
}

#[test]
fn cursors_are_two_plain_numbers() {
    assert_eq!("3:9".parse(), Ok(Cursor { epoch: 3, seq: 9 }));
    for text in ["", "3", "3:", ":9", "3:9:1", "+3:9", "3:-9", "a:b", "3: 9"] {
        assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text:?}");
    }
}

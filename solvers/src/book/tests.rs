use alloy_primitives::{Address, B256};
use domain::{
    BidId, OpenHash,
    event::{AuctionClosed, BlockRef, IntentFilled, IntentGone, TxRef},
};
use serde_json::json;

use super::*;
use crate::wire::{Cursor, ResyncRequired, StreamEvent};

fn id(n: u8) -> IntentId {
    IntentId::new(B256::repeat_byte(n))
}

fn opened(n: u8) -> IntentOpened {
    let intent = serde_json::from_value(json!({
        "owner": Address::repeat_byte(n), "sellToken": Address::repeat_byte(0xa),
        "buyToken": Address::repeat_byte(0xb), "sellAmount": "100", "buyAmount": "90",
        "nonce": "0", "validTo": 2_000_000_000, "kind": 1, "partiallyFillable": true,
    }));
    let intent = intent.unwrap();
    IntentOpened { id: id(n), intent, filled: Amount::ZERO, created_at_ms: 1 }
}

fn auction(n: u64) -> AuctionOpened {
    AuctionOpened {
        auction_id: AuctionId::new(n),
        open_hash: OpenHash::new(B256::ZERO),
        opened_at_ms: 0,
        closes_at_ms: 2_000,
        block: BlockRef { number: 1, hash: B256::ZERO },
        intents: Vec::new(),
        prices: Vec::new(),
        params: Default::default(),
    }
}

fn snapshot(part: u32, last: bool, intents: Vec<IntentOpened>) -> StreamItem {
    let auction = last.then(|| auction(1));
    let cursor = Cursor { epoch: 1, seq: 5 };
    StreamItem::Snapshot(Box::new(Snapshot { part, last, cursor, intents, auction }))
}

fn event(event: Event) -> StreamItem {
    let cursor = Cursor { epoch: 1, seq: 6 };
    StreamItem::Event(Box::new(StreamEvent { cursor, seq: 6, at_ms: 0, event }))
}

fn filled(n: u8, bought: u64, complete: bool) -> StreamItem {
    let block = BlockRef { number: 1, hash: B256::ZERO };
    event(Event::IntentFilled(IntentFilled {
        id: id(n),
        auction_id: Some(AuctionId::new(1)),
        bid: BidId::new(B256::ZERO),
        sold: Amount::from(1u64),
        bought: Amount::from(bought),
        complete,
        evidence: TxRef { tx: B256::ZERO, block },
    }))
}

#[test]
fn a_snapshot_in_parts_replaces_what_was_known() {
    let mut book = Book::default();
    book.apply(&event(Event::IntentOpened(opened(9))));
    book.apply(&snapshot(0, false, vec![opened(1)]));
    assert!(!book.is_complete());
    book.apply(&snapshot(1, true, vec![opened(2)]));
    assert!(book.is_complete());
    assert_eq!(book.intents().keys().copied().collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(book.auction().unwrap().auction_id, AuctionId::new(1));
    book.apply(&StreamItem::Resync(ResyncRequired { reason: "gap".into() }));
    assert!(book.intents().is_empty() && !book.is_complete());
}

#[test]
fn an_intent_leaves_the_book_when_it_is_filled_cancelled_or_expired() {
    let mut book = Book::default();
    book.apply(&snapshot(0, true, vec![opened(1), opened(2), opened(3)]));
    book.apply(&filled(1, 90, true));
    book.apply(&event(Event::IntentCancelled(IntentGone { id: id(2) })));
    book.apply(&event(Event::IntentExpired(IntentGone { id: id(3) })));
    assert!(book.intents().is_empty());
}

#[test]
fn a_partly_filled_intent_stays_and_comes_back_with_what_is_filled() {
    let mut book = Book::default();
    book.apply(&snapshot(0, true, vec![opened(1)]));
    book.apply(&filled(1, 30, false));
    let rest = IntentOpened { filled: Amount::from(30u64), ..opened(1) };
    book.apply(&event(Event::IntentOpened(rest)));
    assert_eq!(book.intents()[&id(1)].filled, Amount::from(30u64));
}

#[test]
fn events_that_a_snapshot_was_ahead_of_change_nothing() {
    let mut book = Book::default();
    book.apply(&event(Event::AuctionOpened(Box::new(auction(4)))));
    book.apply(&event(Event::AuctionOpened(Box::new(auction(3)))));
    assert_eq!(book.auction().unwrap().auction_id, AuctionId::new(4));
}

#[test]
fn an_auction_is_current_from_its_opening_to_its_close() {
    let mut book = Book::default();
    book.apply(&event(Event::AuctionOpened(Box::new(auction(4)))));
    let close = |n| {
        let (auction_id, bids_root) = (AuctionId::new(n), B256::ZERO);
        event(Event::AuctionClosed(AuctionClosed { auction_id, bid_count: 0, bids_root }))
    };
    book.apply(&close(3));
    assert_eq!(book.auction().unwrap().auction_id, AuctionId::new(4));
    book.apply(&close(4));
    assert!(book.auction().is_none());
}

use domain::IntentId;

use super::*;
use crate::testing::{bid, domain, placed as at};

fn auction() -> AuctionId {
    AuctionId::new(7)
}

fn queued(signed: &SignedBid, ms: u64, seq: u64) -> QueuedBid {
    let bid_id = signed.bid.id(&domain());
    QueuedBid { ms, seq, bid_id, body: serde_json::to_vec(signed).unwrap() }
}

fn placed(entries: &[QueuedBid]) -> Result<Vec<PlacedBid>, VoidReason> {
    let mut stream = Stream::default();
    stream.extend(&domain(), auction(), entries)?;
    Ok(stream.bids)
}

fn some_bid(n: u8) -> SignedBid {
    bid(n, IntentId::new([9; 32].into()), 1_000)
}

/// Two bids of one solver under one reference.
fn twins() -> (SignedBid, SignedBid) {
    let (first, mut second) = (some_bid(1), some_bid(1));
    let mut terms = second.bid.terms().clone();
    terms.gas += 1;
    let legs = second.bid.legs().to_vec();
    second.bid = ::domain::Bid::new(terms, legs, Default::default()).unwrap();
    (first, second)
}

#[test]
fn entries_are_read_back_as_the_bids_that_were_queued() {
    let (a, b) = (some_bid(1), some_bid(2));
    let bids = placed(&[queued(&a, 5, 0), queued(&b, 5, 1)]).unwrap();
    assert_eq!(bids.iter().map(|bid| (bid.ms, bid.seq)).collect::<Vec<_>>(), [(5, 0), (5, 1)]);
    assert_eq!(bids[0].signed, a);
    assert_eq!(bids[1].id, b.bid.id(&domain()));
}

#[test]
fn a_stream_read_in_parts_is_the_stream_read_at_once() {
    let (a, b) = (queued(&some_bid(1), 5, 0), queued(&some_bid(2), 5, 1));
    let mut parts = Stream::default();
    assert_eq!(parts.end(), None);
    parts.extend(&domain(), auction(), std::slice::from_ref(&a)).unwrap();
    assert_eq!(parts.end(), Some((5, 0)));
    parts.extend(&domain(), auction(), std::slice::from_ref(&b)).unwrap();
    let mut whole = Stream::default();
    whole.extend(&domain(), auction(), &[a, b]).unwrap();
    assert_eq!(parts.closing(), whole.closing());
    assert_eq!(parts.bidders, whole.bidders);
    let rows = Stream::of_rows(whole.bids.clone());
    assert_eq!((rows.closing(), rows.received), (whole.closing(), whole.received));
}

#[test]
fn a_reference_used_again_in_a_later_part_voids_the_auction() {
    let (first, second) = twins();
    let mut stream = Stream::default();
    stream.extend(&domain(), auction(), &[queued(&first, 5, 0)]).unwrap();
    let later = stream.extend(&domain(), auction(), &[queued(&second, 6, 0)]);
    assert_eq!(later, Err(VoidReason::QueueCorrupt));
}

#[test]
fn an_entry_that_is_not_the_bid_it_is_filed_as_voids_the_auction() {
    let mut foreign = queued(&some_bid(1), 5, 0);
    foreign.bid_id = some_bid(2).bid.id(&domain());
    assert_eq!(placed(&[foreign]), Err(VoidReason::QueueCorrupt));
    let noise = QueuedBid { body: b"{}".to_vec(), ..queued(&some_bid(1), 5, 0) };
    assert_eq!(placed(&[noise]), Err(VoidReason::QueueCorrupt));
}

#[test]
fn two_bids_under_one_reference_void_the_auction() {
    let (first, second) = twins();
    let entries = [queued(&first, 5, 0), queued(&second, 6, 0)];
    assert_eq!(placed(&entries), Err(VoidReason::QueueCorrupt));
}

#[test]
fn a_bid_without_a_row_is_given_one() {
    let (a, b) = (at(some_bid(1), 0), at(some_bid(2), 1));
    let durable = [(a.id, a.ms, a.seq)];
    assert_eq!(missing_rows(&[a, b.clone()], &durable), Ok(vec![b]));
}

#[test]
fn a_row_without_its_bid_in_the_stream_voids_the_auction() {
    let (a, b) = (at(some_bid(1), 0), at(some_bid(2), 1));
    let rows = [(a.id, a.ms, a.seq), (b.id, b.ms, b.seq)];
    assert_eq!(missing_rows(std::slice::from_ref(&a), &rows), Err(VoidReason::BidsDisagree));
    let elsewhere = [(a.id, a.ms, a.seq + 1)];
    assert_eq!(missing_rows(&[a], &elsewhere), Err(VoidReason::BidsDisagree));
}

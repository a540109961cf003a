use super::super::{AuctionRecord, PublicRecord, RecordFault, RecordedBid, fixture::*};
use crate::{
    Amount, Intent, IntentId,
    batch::{OwnerSignature, SignedBid, SignedIntent},
    signature::SigningKey,
    status::AuctionStatus,
};

fn signed(id: IntentId, intent: &Intent) -> SignedIntent {
    let key = SigningKey::from_bytes([9; 32]).unwrap();
    SignedIntent { intent: intent.clone(), signature: OwnerSignature::Ecdsa(key.sign(id.get())) }
}

fn record() -> AuctionRecord {
    let mut market = Market::new();
    let a = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let b = market.intent(Want::swap(2, (X, 1_000), (Y, 900)).partial());
    market.bid(1, &[(a, 1_000, 950)]);
    market.bid(2, &[(a, 1_000, 940), (b, 1_000, 940)]);
    market.bid(3, &[(b, 400, 300)]);
    let decision = market.decide();
    let key = SigningKey::from_bytes([7; 32]).unwrap();
    let recorded = |bid: &super::super::ReceivedBid| RecordedBid {
        id: bid.id,
        ms: bid.ms,
        seq: bid.seq,
        signed: SignedBid { bid: bid.bid.clone(), signature: key.sign(bid.id.get()) },
    };
    AuctionRecord {
        opening: market.opening.clone(),
        intents: market.intents.iter().map(|(id, intent)| (*id, signed(*id, intent))).collect(),
        bids: market.bids.iter().map(recorded).collect(),
        standings: market.standings,
        simulation: None,
        decision: Some(decision),
    }
}

#[test]
fn nothing_of_a_bid_is_public_before_the_last_reveal() {
    let record = record();
    let open = record.public(AuctionStatus::Open);
    assert_eq!((open.closing, &open.decision, &open.contents), (None, &None, &None));
    let decided = record.public(AuctionStatus::Decided);
    assert_eq!(decided.closing.unwrap().bid_count, 3);
    assert_eq!(decided.decision.as_ref().unwrap().total_score, Amount::from(80u64));
    assert_eq!(decided.contents, None);
    let json = serde_json::to_string(&decided).unwrap();
    assert!(!json.contains("legs") && !json.contains("verdict"), "{json}");
    assert_eq!(record.public(AuctionStatus::Published).contents.unwrap().bids.len(), 3);
}

#[test]
fn a_record_verifies_at_every_stage_and_after_its_json() {
    for status in AuctionStatus::ALL {
        let public = record().public(*status);
        assert_eq!(public.verify(), Ok(()));
        let json = serde_json::to_string(&public).unwrap();
        let back: PublicRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(back, public);
        assert_eq!(back.verify(), Ok(()));
    }
}

#[test]
fn a_void_auction_verifies_without_verdicts() {
    let void = AuctionRecord { decision: None, ..record() };
    let public = void.public(AuctionStatus::Published);
    assert_eq!(public.verify(), Ok(()));
    let mut invented = public;
    invented.contents.as_mut().unwrap().verdicts = record().decision.unwrap().verdicts;
    assert_eq!(invented.verify(), Err(RecordFault::Verdicts(3)));
}

/// What `verify` says of a published record after `tamper`.
fn tampered(tamper: impl FnOnce(&mut PublicRecord)) -> RecordFault {
    let mut public = record().public(AuctionStatus::Published);
    tamper(&mut public);
    public.verify().unwrap_err()
}

#[test]
fn whatever_is_changed_afterwards_is_named() {
    let fault = tampered(|record| record.opening.prices[0].price = Amount::from(5u64));
    assert!(matches!(fault, RecordFault::OpenHash(_)));
    let fault = tampered(|record| {
        record.opening.prices[1].price = Amount::from(UNIT * 2);
        record.open_hash = record.opening.hash();
    });
    assert!(matches!(fault, RecordFault::Verdict(_)), "a price changed with its hash: {fault}");
    let fault = tampered(|record| drop(record.contents.as_mut().unwrap().bids.pop()));
    assert_eq!(fault, RecordFault::BidCount(2));
    let fault = tampered(|record| {
        drop(record.contents.as_mut().unwrap().bids.pop());
        record.closing.as_mut().unwrap().bid_count = 2;
    });
    assert!(matches!(fault, RecordFault::BidsRoot(_)));
    let fault = tampered(|record| record.contents.as_mut().unwrap().bids[2].ms += 1);
    assert!(matches!(fault, RecordFault::BidsRoot(_)));
    let fault = tampered(|record| record.contents.as_mut().unwrap().bids.swap(0, 1));
    assert!(matches!(fault, RecordFault::Order(_)));
    let fault = tampered(|record| {
        let bids = &mut record.contents.as_mut().unwrap().bids;
        bids[0].signed = bids[1].signed.clone();
    });
    assert!(matches!(fault, RecordFault::ForeignBid(_)));
    let fault = tampered(|record| record.decision.as_mut().unwrap().winners.clear());
    assert_eq!(fault, RecordFault::Decision);
    let fault = tampered(|record| {
        let verdicts = &mut record.contents.as_mut().unwrap().verdicts;
        verdicts[0].ruling = verdicts[2].ruling;
    });
    assert!(matches!(fault, RecordFault::Verdict(_)));
    let fault = tampered(|record| {
        let standings = &mut record.contents.as_mut().unwrap().standings;
        standings.solvers.get_mut(&solver(1)).unwrap().paused = true;
    });
    assert!(matches!(fault, RecordFault::Verdict(_)));
}

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};
use serde_json::json;

use super::super::{
    AuctionRecord, Deliberation, LeftOut, Lineage, LineageFault, PublicRecord, RecordFault,
    RecordedBid, Reference, Simulation, SimulationDrop, fixture::*,
};
use crate::{
    Amount, AuctionId, BidId, Intent, IntentId, OpenHash,
    batch::{OwnerSignature, SignedBid, SignedIntent},
    event::{BlockRef, CutIntent},
    signature::SigningKey,
    status::AuctionStatus,
};

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes([n; 32]).unwrap()
}

/// An intent that its owner, key number `owner`, really signs.
fn intent(market: &mut Market, owner: u8, partial: bool) -> IntentId {
    let message = json!({
        "owner": key(owner).address(), "sellToken": token(X), "buyToken": token(Y),
        "sellAmount": "1000", "buyAmount": "900", "nonce": "1", "validTo": 1_900_000_000,
        "kind": 0, "partiallyFillable": partial,
    });
    let intent: Intent = serde_json::from_value(message).unwrap();
    let id = intent.id(&crate::eip712::SigningDomain::new(31_337, market.opening.settlement));
    let fundable = Amount::from(1_000u64);
    market.opening.intents.push(CutIntent { id, fundable, filled: Amount::ZERO });
    market.opening.intents.sort_unstable_by_key(|entry| entry.id);
    market.intents.insert(id, intent);
    id
}

/// Four bids: the first wins, two lose or break a rule, the last failed its simulation.
fn record() -> AuctionRecord {
    let mut market = Market::new();
    let owners = [intent(&mut market, 1, false), intent(&mut market, 2, true)];
    let [a, b] = owners;
    market.bid(1, &[(a, 1_000, 940)]);
    market.bid(2, &[(a, 1_000, 940), (b, 1_000, 940)]);
    market.bid(3, &[(b, 400, 300)]);
    let failed = market.bid(4, &[(b, 1_000, 990)]);
    let failed = market.bids[failed].id;
    let cut = market.cut();
    let left_out = BTreeMap::from([(failed, LeftOut::Simulation)]);
    let mut deliberation = Deliberation::new(&cut, &market.bids, &market.standings, &left_out);
    let mut decision = deliberation.decide();
    decision.references = deliberation.references(&decision);
    let recorded = |bid: &super::super::ReceivedBid| RecordedBid {
        id: bid.id,
        ms: bid.ms,
        seq: bid.seq,
        signed: SignedBid { bid: bid.bid.clone(), signature: key(7).sign(bid.id.get()) },
    };
    let bids: Vec<RecordedBid> = market.bids.iter().map(recorded).collect();
    let signed = |(id, intent): (&IntentId, &Intent)| {
        let signature = key(if *id == a { 1 } else { 2 }).sign(id.get());
        let signature = OwnerSignature::Ecdsa(signature);
        (*id, SignedIntent { intent: intent.clone(), signature })
    };
    AuctionRecord {
        opening: market.opening.clone(),
        closing: AuctionRecord::closing_of(&bids),
        intents: market.intents.iter().map(signed).collect(),
        simulation: Some(simulation(&[(failed, &[failed])])),
        bids,
        standings: market.standings.clone(),
        decision: Ok(decision),
    }
}

fn simulation(drops: &[(BidId, &[BidId])]) -> Simulation {
    let drop = |(bid, batch): &(BidId, &[BidId])| SimulationDrop {
        bid: *bid,
        batch: batch.to_vec(),
        gas: 16_000_000,
        fault: 1,
        reason: B256::repeat_byte(1),
        returned: Bytes::new(),
    };
    Simulation {
        block: BlockRef { number: 100, hash: B256::repeat_byte(0xbb) },
        rounds: 1,
        complete: true,
        drops: drops.iter().map(drop).collect(),
    }
}

#[test]
fn nothing_of_a_bid_is_public_before_the_last_reveal() {
    let record = record();
    let open = record.public(AuctionStatus::Open);
    assert_eq!((open.closing, &open.decision, &open.contents), (None, &None, &None));
    let decided = record.public(AuctionStatus::Decided);
    assert_eq!(decided.closing.unwrap().bid_count, 4);
    assert_eq!(decided.decision.as_ref().unwrap().total_score, Amount::from(80u64));
    assert_eq!(decided.contents, None);
    let json = serde_json::to_string(&decided).unwrap();
    assert!(!json.contains("legs") && !json.contains("verdict"), "{json}");
    assert_eq!(record.public(AuctionStatus::Published).contents.unwrap().bids.len(), 4);
}

#[test]
fn a_record_verifies_at_every_stage_and_after_its_canonical_text() {
    for status in AuctionStatus::ALL {
        let public = record().public(*status);
        assert_eq!(public.verify(), Ok(()));
        let text = public.canonical().unwrap();
        let back: PublicRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(back, public);
        assert_eq!(back.verify(), Ok(()));
        assert_eq!(back.canonical().unwrap(), text);
    }
}

#[test]
fn a_void_auction_says_why_and_verifies_without_verdicts() {
    let void = AuctionRecord { decision: Err("queue_lost".to_owned()), ..record() };
    let public = void.public(AuctionStatus::Published);
    assert_eq!(public.void.as_deref(), Some("queue_lost"));
    assert_eq!(public.verify(), Ok(()));
    let mut invented = public.clone();
    invented.contents.as_mut().unwrap().verdicts = record().decision.unwrap().verdicts;
    assert_eq!(invented.verify(), Err(RecordFault::Verdicts(4)));
    let mut unexplained = public.clone();
    unexplained.void = None;
    assert_eq!(unexplained.verify(), Err(RecordFault::NotDecided));
    let mut both = public;
    both.decision = record().public(AuctionStatus::Decided).decision;
    assert_eq!(both.verify(), Err(RecordFault::VoidDecided));
}

/// What `verify` says of a published record after `tamper`.
fn tampered(tamper: impl FnOnce(&mut PublicRecord)) -> RecordFault {
    let mut public = record().public(AuctionStatus::Published);
    tamper(&mut public);
    public.verify().unwrap_err()
}

/// The same, for what is in the contents.
fn forged(tamper: impl FnOnce(&mut super::super::Contents)) -> RecordFault {
    tampered(|record| tamper(record.contents.as_mut().unwrap()))
}

#[test]
fn an_opening_or_a_stream_that_is_changed_afterwards_is_named() {
    let fault = tampered(|record| record.opening.prices[0].price = Amount::from(5u64));
    assert!(matches!(fault, RecordFault::OpenHash(_)));
    let fault = tampered(|record| {
        record.opening.prices[1].price = Amount::from(UNIT * 2);
        record.open_hash = record.opening.hash();
    });
    assert!(matches!(fault, RecordFault::Verdict(_)), "a price changed with its hash: {fault}");
    let fault = forged(|contents| drop(contents.bids.pop()));
    assert_eq!(fault, RecordFault::BidCount(3));
    let fault = tampered(|record| {
        drop(record.contents.as_mut().unwrap().bids.pop());
        record.closing.as_mut().unwrap().bid_count = 3;
    });
    assert!(matches!(fault, RecordFault::BidsRoot(_)));
    assert!(matches!(forged(|contents| contents.bids[3].ms += 1), RecordFault::BidsRoot(_)));
    let late = forged(|contents| contents.bids[3].ms = CLOSES_AT_MS);
    assert!(matches!(late, RecordFault::Order(_)));
    assert!(matches!(forged(|contents| contents.bids.swap(0, 1)), RecordFault::Order(_)));
    let fault = forged(|contents| contents.bids[0].signed = contents.bids[1].signed.clone());
    assert!(matches!(fault, RecordFault::ForeignBid(_)));
    let fault = tampered(|record| record.closing = None);
    assert_eq!(fault, RecordFault::NotClosed);
}

#[test]
fn signatures_of_others_are_named() {
    let fault = forged(|contents| {
        let other = contents.intents[1].signature.clone();
        contents.intents[0].signature = other;
    });
    assert!(matches!(fault, RecordFault::IntentSignature(_)));
    let fault = forged(|contents| {
        let nobody = crate::signature::EcdsaSignature::parse(&[0; 64]).unwrap();
        contents.bids[0].signed.signature = nobody;
    });
    assert!(matches!(fault, RecordFault::BidSignature(_)));
    let fault = forged(|contents| contents.intents.push(contents.intents[0].clone()));
    assert_eq!(fault, RecordFault::Intents { found: 3, named: 2 });
}

#[test]
fn every_part_of_a_decision_that_is_changed_is_named() {
    let fault = tampered(|record| record.decision.as_mut().unwrap().winners.clear());
    assert_eq!(fault, RecordFault::Winner { place: 0 });
    let fault = tampered(|record| record.decision.as_mut().unwrap().total_score = Amount::ZERO);
    assert_eq!(fault, RecordFault::TotalScore(Amount::from(80u64)));
    let fault = tampered(|record| record.decision.as_mut().unwrap().nodes += 1);
    assert!(matches!(fault, RecordFault::Proof { .. }));
    let fault = forged(|contents| contents.verdicts[0].ruling = contents.verdicts[2].ruling);
    assert!(matches!(fault, RecordFault::Verdict(_)));
    let fault = forged(|contents| {
        contents.standings.solvers.get_mut(&solver(1)).unwrap().paused = true;
    });
    assert!(matches!(fault, RecordFault::Verdict(_)));
    let (score, gap) = (Amount::from(1u64), Amount::ZERO);
    let invented = Reference { solver: solver(9), score, gap, nodes: 1 };
    assert_eq!(
        forged(|contents| contents.references.push(invented)),
        RecordFault::Reference(solver(9))
    );
}

#[test]
fn a_simulation_and_the_verdicts_speak_of_the_same_bids() {
    let bid = |n: usize| record().bids[n].id;
    let fault = forged(|contents| contents.simulation = None);
    assert_eq!(fault, RecordFault::SimulationMissing(bid(3)));
    let both = [bid(0), bid(3)];
    let fault = forged(|contents| {
        contents.simulation = Some(simulation(&[(bid(0), &both), (bid(3), &both)]));
    });
    assert_eq!(fault, RecordFault::SimulationUnused(bid(0)));
    let unknown = BidId::new(B256::ZERO);
    let runs: [&[BidId]; 4] = [&[], &[bid(0)], &[bid(3), bid(3)], &[bid(3), unknown]];
    for run in runs {
        let fault = forged(|found| found.simulation = Some(simulation(&[(bid(3), run)])));
        assert_eq!(fault, RecordFault::SimulationBatch(bid(3)), "{run:?}");
    }
    let twice = [(bid(3), &both[1..]), (bid(3), &both[..])];
    let fault = forged(|contents| contents.simulation = Some(simulation(&twice)));
    assert_eq!(fault, RecordFault::SimulationBatch(bid(3)), "dropped twice");
}

#[test]
fn opening_records_follow_one_another_without_gaps() {
    let mut first = Market::new().opening;
    (first.auction_id, first.previous) = (AuctionId::new(1), OpenHash::new(B256::ZERO));
    let mut second = first.clone();
    (second.auction_id, second.previous) = (AuctionId::new(2), first.hash());
    let mut lineage = Lineage::from_the_first();
    assert_eq!(lineage.follow(&first), Ok(()));
    assert_eq!(lineage.follow(&second), Ok(()));
    let fault = lineage.follow(&second).unwrap_err();
    assert!(matches!(fault, LineageFault::Number { .. }), "twice: {fault}");
    let mut third = second.clone();
    (third.auction_id, third.previous) = (AuctionId::new(3), first.hash());
    let fault = lineage.follow(&third).unwrap_err();
    assert_eq!(fault, LineageFault::Previous { named: first.hash(), actual: second.hash() });
    let orphan = Lineage::from_the_first().follow(&third).unwrap_err();
    assert!(matches!(orphan, LineageFault::Number { .. }));
    assert_eq!(Lineage::anywhere().follow(&third), Ok(()));
    assert_eq!(Lineage::after(AuctionId::new(2), first.hash()).follow(&third), Ok(()));
}

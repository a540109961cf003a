use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};
use serde_json::json;

use super::super::{
    AuctionRecord, Contents, Deliberation, DropReason, LeftOut, Lineage, LineageFault, MAX_TX_GAS,
    PublicRecord, RecordFault, RecordedBid, Reference, Ruling, Simulation, SimulationDrop,
    fixture::*,
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
    market.opening.intents.push(CutIntent { id, fundable, filled: Amount::ZERO, alone: false });
    market.opening.intents.sort_unstable_by_key(|entry| entry.id);
    market.intents.insert(id, intent);
    id
}

/// Four bids: the first wins, two lose or break a rule, the last failed its simulation.
pub(super) fn record() -> AuctionRecord {
    record_with(|_, _| {})
}

/// The same with more bids.
fn record_with(more: impl FnOnce(&mut Market, [IntentId; 2])) -> AuctionRecord {
    let mut market = Market::new();
    let owners = [intent(&mut market, 1, false), intent(&mut market, 2, true)];
    let [a, b] = owners;
    market.standings.block = Some(SEEN);
    market.bid(1, &[(a, 1_000, 940)]);
    market.bid(2, &[(a, 1_000, 940), (b, 1_000, 940)]);
    market.bid(3, &[(b, 400, 300)]);
    let failed = market.bid(4, &[(b, 1_000, 990)]);
    let failed = market.bids[failed].id;
    more(&mut market, owners);
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
        runner_up: None,
    }
}

/// Where bidders were asked about, and winners run.
pub(super) const SEEN: BlockRef = BlockRef { number: 100, hash: B256::repeat_byte(0xbb) };

/// A round for each of these drops, and one without.
pub(super) fn simulation(drops: &[(BidId, &[BidId])]) -> Simulation {
    let drop = |(round, (bid, batch)): (u32, &(BidId, &[BidId]))| SimulationDrop {
        bid: *bid,
        round,
        batch: batch.to_vec(),
        gas: MAX_TX_GAS,
        fault: 1,
        reason: B256::repeat_byte(1),
        returned: Bytes::new(),
    };
    let rounds = drops.len() as u32 + 1;
    let drops = (1..).zip(drops).map(drop).collect();
    Simulation { block: SEEN, rounds, complete: true, drops }
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
    let lost = AuctionRecord::closing_of(&[]);
    let void = AuctionRecord { decision: Err("queue_lost".to_owned()), closing: lost, ..record() };
    let public = void.public(AuctionStatus::Published);
    assert_eq!(public.void.as_deref(), Some("queue_lost"));
    assert_eq!(public.verify(), Ok(()));
    let mut invented = public.clone();
    invented.contents.as_mut().unwrap().verdicts = record().decision.unwrap().verdicts;
    assert_eq!(invented.verify(), Err(RecordFault::Verdicts(4)));
    let mut unexplained = public.clone();
    unexplained.void = None;
    unexplained.closing = record().public(AuctionStatus::Decided).closing;
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
fn an_auction_whose_bids_are_all_there_is_not_void() {
    for reason in ["queue_lost", "bids_disagree"] {
        let mut void = AuctionRecord { decision: Err(reason.to_owned()), ..record() };
        let verified = |record: &AuctionRecord| record.public(AuctionStatus::Published).verify();
        assert_eq!(verified(&void), Err(RecordFault::VoidComplete));
        void.bids.pop();
        assert_eq!(verified(&void), Ok(()), "one of its bids is lost");
    }
}

/// What `verify` says of the record decided anew with bids left out, and another simulation.
fn redecided(
    left_out: &[(usize, LeftOut)],
    change: impl FnOnce(&mut Simulation),
) -> Result<(), RecordFault> {
    redecide(record(), left_out, change)
}

fn redecide(
    mut record: AuctionRecord,
    left_out: &[(usize, LeftOut)],
    change: impl FnOnce(&mut Simulation),
) -> Result<(), RecordFault> {
    let intents = record.intents.iter().map(|(id, signed)| (*id, signed.intent.clone()));
    let cut = super::super::Cut::new(record.opening.clone(), intents.collect()).unwrap();
    let bids = super::super::record::received(&record.bids);
    let left_out = left_out.iter().map(|(bid, because)| (record.bids[*bid].id, *because));
    let left_out: BTreeMap<_, _> = left_out.collect();
    let mut deliberation = Deliberation::new(&cut, &bids, &record.standings, &left_out);
    let mut decision = deliberation.decide();
    decision.references = deliberation.references(&decision);
    record.decision = Ok(decision);
    change(record.simulation.as_mut().unwrap());
    record.public(AuctionStatus::Published).verify()
}

#[test]
fn only_a_winner_of_its_round_is_dropped_by_a_simulation() {
    use LeftOut::Simulation;
    let bid = |n: usize| record().bids[n].id;
    let [a, b, d] = [0, 1, 3].map(bid);
    let rounds = |rounds: u32, complete: bool, drops: &[(BidId, &[BidId])]| {
        let found = super::super::Simulation { rounds, complete, ..simulation(drops) };
        move |simulation: &mut super::super::Simulation| *simulation = found
    };
    // the first round's winners, in settlement order
    let first: Vec<BidId> = {
        let mut found = Vec::new();
        for both in [[a, d], [d, a]] {
            let one = [(3, Simulation)];
            if redecided(&one, rounds(2, true, &[(d, &both)])).is_ok() {
                found.push(both);
            }
        }
        assert_eq!(found.len(), 1, "one order only");
        found[0].to_vec()
    };
    // two rounds, one drop each: without the fourth bid the second wins
    let two = [(3, Simulation), (1, Simulation)];
    assert_eq!(redecided(&two, rounds(3, true, &[(d, &first), (b, &[b])])), Ok(()));
    assert_eq!(redecided(&two, rounds(2, false, &[(d, &[d]), (b, &[b])])), Ok(()));
    let swapped = redecided(&two, rounds(3, true, &[(b, &[b]), (d, &[d])]));
    assert_eq!(swapped, Err(RecordFault::SimulationBatch(b)), "it did not win the first round");
    let batch = redecided(&two, rounds(3, true, &[(d, &[d]), (b, &first)]));
    assert_eq!(batch, Err(RecordFault::SimulationBatch(b)), "the batch of another round");
    let never = redecided(
        &[(2, Simulation), (3, Simulation)],
        rounds(3, true, &[(d, &[d]), (bid(2), &[bid(2)])]),
    );
    assert_eq!(never, Err(RecordFault::SimulationBatch(bid(2))), "it never won");
}

#[test]
fn a_bid_that_fails_alone_speaks_against_its_solver_or_its_owner_on_the_same_intents() {
    use LeftOut::{Discredited, Simulation};
    // by the fourth bid's solver: on its intent, and on the other one
    let more = |market: &mut Market, [a, b]: [IntentId; 2]| {
        market.bid(4, &[(b, 1_000, 960)]);
        market.bid(4, &[(a, 1_000, 930)]);
    };
    let record = || record_with(more);
    let bid = |n: usize| record().bids[n].id;
    let said = |fault: u8, others: &[usize]| {
        let mut left_out = vec![(3, Simulation)];
        left_out.extend(others.iter().map(|n| (*n, Discredited)));
        redecide(record(), &left_out, |found| found.drops[0].fault = fault)
    };
    let wrong = |n| Err(RecordFault::Discredited(bid(n)));
    for solver in [0, 1] {
        assert_eq!(said(solver, &[4]), Ok(()), "its solver's other bid there");
        assert_eq!(said(solver, &[]), wrong(4));
        assert_eq!(said(solver, &[4, 5]), wrong(5), "elsewhere it may still win");
        assert_eq!(said(solver, &[2, 4]), wrong(2), "another solver's");
    }
    let owner = 2;
    assert_eq!(said(owner, &[1, 2, 4]), Ok(()), "whoever fills that owner's intent");
    for all_but in [[1, 2], [1, 4], [2, 4]] {
        assert!(matches!(said(owner, &all_but), Err(RecordFault::Discredited(_))));
    }
}

#[test]
fn a_simulation_is_run_as_a_reveal_would_be_and_as_often_as_it_says() {
    let unchanged = [(3, LeftOut::Simulation)];
    let said = |change: fn(&mut Simulation)| redecided(&unchanged, change);
    let bid = record().bids[3].id;
    assert_eq!(said(|_| {}), Ok(()));
    assert_eq!(said(|found| found.drops[0].gas -= 1), Err(RecordFault::SimulationGas(bid)));
    let elsewhere = said(|found| found.block.hash = B256::ZERO);
    assert_eq!(elsewhere, Err(RecordFault::SimulationBlock));
    let stopped = |found: &mut Simulation| (found.rounds, found.complete) = (1, false);
    assert_eq!(said(stopped), Ok(()), "the node did not answer a second time");
    let unrun = said(|found| found.rounds = 1);
    assert_eq!(unrun, Err(RecordFault::SimulationRounds(1)), "the published winner was not run");
    for rounds in [0, 3, u32::MAX] {
        let fault = redecided(&unchanged, |found| found.rounds = rounds).unwrap_err();
        let named = [RecordFault::SimulationRounds(rounds), RecordFault::SimulationBatch(bid)];
        assert!(named.contains(&fault), "{rounds}: {fault}");
    }
    let fault = forged(|contents| contents.standings.block = None);
    assert_eq!(fault, RecordFault::StandingsBlock);
}

#[test]
fn an_intent_that_is_gone_is_gone_for_everybody() {
    use LeftOut::{IntentGone, KeyForeign, Simulation};
    let said = |left_out: &[(usize, LeftOut)]| {
        let dropped = left_out.iter().any(|(_, because)| *because == Simulation);
        redecided(left_out, |found| {
            if !dropped {
                (found.drops, found.rounds) = (Vec::new(), 1);
            }
        })
    };
    let gone = |n: usize| Err(RecordFault::IntentGone(record().bids[n].id));
    // on the second intent are the second, the third and the fourth bid
    let all = [(1, IntentGone), (2, IntentGone), (3, IntentGone)];
    assert_eq!(said(&all), Ok(()));
    assert_eq!(said(&[(1, IntentGone), (2, KeyForeign), (3, IntentGone)]), Ok(()));
    assert_eq!(said(&all[1..]), gone(2), "another bid on it wins or loses");
    assert_eq!(said(&all[2..]), gone(3), "the best bid alone");
    let dropped = said(&[(1, IntentGone), (2, IntentGone), (3, Simulation)]);
    assert_eq!(dropped, gone(1), "what was run was not gone");
    let because = IntentGone;
    let ruling = Ruling::Dropped(DropReason::LeftOut { because });
    let claim = |contents: &mut Contents| contents.verdicts[2].ruling = ruling;
    assert_eq!(forged(claim), RecordFault::IntentGone(record().bids[2].id));
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

//! The auction once more, over what failed on chain.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use proptest::prelude::*;

use super::{
    super::{
        AuctionRecord, Cut, Decision, DropReason, Ending, Grounds, LeftOut, PublicRecord,
        ReceivedBid, RecordFault, Retrial, Ruling, RunnerUp, Standings, decide, decide_without,
        fixture::*, left_unfilled,
    },
    exported::{SEEN, record},
    plan::{market, plan},
};
use crate::{
    Amount, IntentId,
    bid::Fill,
    event::{BlockRef, CutIntent, Fault, TxRef},
    status::AuctionStatus,
};

const SOLVER: Option<Fault> = Some(Fault::Solver);
const OWNER: Option<Fault> = Some(Fault::Owner);
/// Shortly after the close of the fixture's auction.
const LATER_S: u64 = CLOSES_AT_MS / 1_000 + 24;

fn reveal() -> TxRef {
    TxRef { tx: B256::repeat_byte(9), block: BlockRef { number: 110, hash: B256::ZERO } }
}

fn bid_of(market: &Market, id: crate::BidId) -> &ReceivedBid {
    market.bids.iter().find(|bid| bid.id == id).unwrap()
}

/// What the chain would say after the winners of `first` ended with `faults`, in their order.
fn grounds(market: &Market, first: &Decision, faults: &[Option<Fault>]) -> Grounds {
    let winners = first.winners.iter().copied().zip(faults.iter().copied());
    let endings: Vec<Ending> = winners.map(|(bid, fault)| Ending { bid, fault }).collect();
    let fills = |ending: &Ending| bid_of(market, ending.bid).bid.fills().to_vec();
    let ended: Vec<(Vec<Fill>, _)> = endings.iter().map(|e| (fills(e), e.fault)).collect();
    let left = left_unfilled(ended.iter().map(|(fills, fault)| (fills.as_slice(), *fault)));
    let spent = spent(market, ended.iter().filter(|(_, fault)| fault.is_none()));
    let entry = |id: &IntentId| {
        let before = market.opening.intent(*id).unwrap();
        let spent = spent.get(&purse(market, *id)).copied().unwrap_or_default();
        CutIntent { fundable: before.fundable.saturating_sub(spent), ..*before }
    };
    let mut standings = Standings { block: Some(SEEN), ..market.standings.clone() };
    for winner in &first.winners {
        let terms = bid_of(market, *winner).bid.terms();
        standings.solvers.get_mut(&terms.solver).unwrap().used_nonces.insert(terms.nonce);
    }
    let intents = left.iter().map(entry).collect();
    Grounds { reveal: reveal(), endings, block: SEEN, block_time_s: LATER_S, intents, standings }
}

fn purse(market: &Market, intent: IntentId) -> (Address, Address) {
    let intent = &market.intents[&intent];
    (intent.owner(), intent.pair().sell)
}

type Spent = BTreeMap<(Address, Address), Amount>;

fn spent<'a>(market: &Market, bids: impl Iterator<Item = &'a (Vec<Fill>, Option<Fault>)>) -> Spent {
    let mut spent = Spent::new();
    for fill in bids.flat_map(|(fills, _)| fills) {
        let sum = spent.entry(purse(market, fill.intent)).or_default();
        *sum = sum.checked_add(fill.sold).unwrap();
    }
    spent
}

fn again(market: &Market, first: &Decision, grounds: &Grounds) -> (Cut, Decision) {
    let retrial = Retrial::new(&market.cut(), first, grounds);
    let admitted = market.bids.iter().filter(|bid| retrial.admits(bid.id, &bid.bid)).cloned();
    let admitted: Vec<ReceivedBid> = admitted.collect();
    let decision = decide(retrial.cut(), &admitted, &grounds.standings);
    (retrial.cut().clone(), decision)
}

fn faults() -> impl Strategy<Value = Vec<Option<Fault>>> {
    let neutral = Some(Fault::Neutral);
    let fault =
        prop_oneof![3 => Just(None), 3 => Just(SOLVER), 1 => Just(neutral), 1 => Just(OWNER)];
    prop::collection::vec(fault, 16)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_the_same_decision_without_those_that_failed(plan in plan(), faults in faults()) {
        let market = market(&plan);
        let first = market.decide();
        let grounds = grounds(&market, &first, &faults);
        let (cut, second) = again(&market, &first, &grounds);
        let failed = first.winners.iter().map(|bid| (*bid, LeftOut::Failed)).collect();
        let whole = decide_without(&cut, &market.bids, &grounds.standings, &failed);
        prop_assert_eq!(&second.winners, &whole.winners);
        prop_assert_eq!(second.total_score, whole.total_score);
        prop_assert_eq!(second.second_pass, whole.second_pass);
    }

    #[test]
    fn it_uses_no_more_than_the_first_attempt_left(plan in plan(), faults in faults()) {
        let market = market(&plan);
        let first = market.decide();
        let grounds = grounds(&market, &first, &faults);
        let (_, second) = again(&market, &first, &grounds);
        let settled = grounds.endings.iter().filter(|ending| ending.fault.is_none());
        let both: Vec<&ReceivedBid> = settled
            .map(|ending| ending.bid)
            .chain(second.winners.iter().copied())
            .map(|id| bid_of(&market, id))
            .collect();
        let nonces: BTreeSet<_> =
            both.iter().map(|bid| (bid.bid.terms().solver, bid.bid.terms().nonce)).collect();
        prop_assert_eq!(nonces.len(), both.len(), "a bid and its nonce are used once");
        let fills: Vec<(Vec<Fill>, _)> =
            both.iter().map(|bid| (bid.bid.fills().to_vec(), None)).collect();
        for (purse, spent) in spent(&market, fills.iter()) {
            let entries = market.opening.intents.iter();
            let behind = entries.filter(|entry| self::purse(&market, entry.id) == purse);
            let capacity = behind.map(|entry| entry.fundable).max().unwrap();
            prop_assert!(spent <= capacity, "{spent} of {capacity}");
        }
        let touched = |id: &crate::BidId| {
            let fills = bid_of(&market, *id).bid.fills().iter();
            fills.map(|fill| fill.intent).collect::<BTreeSet<_>>()
        };
        for winner in &second.winners {
            prop_assert!(!first.winners.contains(winner));
            for ending in &grounds.endings {
                let free = touched(winner).is_disjoint(&touched(&ending.bid));
                let failed = matches!(ending.fault, Some(Fault::Solver | Fault::Neutral));
                prop_assert!(free || failed, "an intent that was filled, or whose owner was short");
            }
        }
    }
}

/// One intent, three bids: the best won.
fn outbid() -> (Market, Decision, IntentId) {
    let mut market = Market::new();
    let intent = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    for (n, bought) in [(1, 990), (2, 960), (3, 930)] {
        market.bid(n, &[(intent, 1_000, bought)]);
    }
    let first = market.decide();
    assert_eq!(first.winners, [market.bids[0].id]);
    (market, first, intent)
}

#[test]
fn the_next_best_bid_wins_what_a_solver_did_not_deliver() {
    let (market, first, _) = outbid();
    let (cut, second) = again(&market, &first, &grounds(&market, &first, &[SOLVER]));
    assert_eq!(second.winners, [market.bids[1].id]);
    assert_eq!(cut.open_hash(), market.opening.hash(), "it is the same auction");
    assert_eq!(second.verdicts.len(), 2, "who won before is not judged again");
}

#[test]
fn nobody_wins_what_was_filled_or_what_its_owner_could_not_pay() {
    let (market, first, _) = outbid();
    for end in [None, OWNER] {
        let (cut, second) = again(&market, &first, &grounds(&market, &first, &[end]));
        assert!(second.winners.is_empty() && cut.intents().is_empty(), "{end:?}");
    }
    let mut poor = grounds(&market, &first, &[SOLVER]);
    poor.intents[0].fundable = Amount::from(999u64);
    let (_, second) = again(&market, &first, &poor);
    assert!(second.winners.is_empty());
}

#[test]
fn who_was_struck_meanwhile_is_filled_alone_and_who_was_before_is_still() {
    let joined_wins = |at_the_cut: bool, meanwhile: bool| {
        let mut market = Market::new();
        let want = Want::swap(1, (X, 1_000), (Y, 900));
        let a = market.intent(if at_the_cut { want.alone() } else { want });
        let b = market.intent(Want::swap(2, (X, 1_000), (Y, 900)));
        for intent in [a, b] {
            market.bid(1, &[(intent, 1_000, 990)]);
        }
        let joined = market.bid(2, &[(a, 1_000, 980), (b, 1_000, 980)]);
        market.bid(3, &[(a, 1_000, 950)]);
        let first = market.decide();
        let mut grounds = grounds(&market, &first, &[SOLVER, SOLVER]);
        for entry in &mut grounds.intents {
            entry.alone = meanwhile && entry.id == a;
        }
        let (_, second) = again(&market, &first, &grounds);
        second.winners.contains(&market.bids[joined].id)
    };
    assert!(joined_wins(false, false));
    assert!(!joined_wins(false, true));
    assert!(!joined_wins(true, false));
}

#[test]
fn an_intent_that_another_bid_filled_a_part_of_or_failed_to_fill_for_its_owner_is_not_left() {
    let intent = |n: u8| IntentId::new(B256::repeat_byte(n));
    let fills = |intents: &[u8]| -> Vec<Fill> {
        let fill = |n: &u8| Fill { intent: intent(*n), sold: Amount::ZERO, bought: Amount::ZERO };
        intents.iter().map(fill).collect()
    };
    let left = |ended: &[(&[u8], Option<Fault>)]| -> Vec<IntentId> {
        let ended: Vec<_> = ended.iter().map(|(ids, fault)| (fills(ids), *fault)).collect();
        left_unfilled(ended.iter().map(|(f, fault)| (f.as_slice(), *fault))).into_iter().collect()
    };
    assert_eq!(left(&[(&[2, 1], SOLVER)]), [intent(1), intent(2)]);
    assert_eq!(left(&[(&[1, 2], SOLVER), (&[2], None)]), [intent(1)]);
    assert_eq!(left(&[(&[2, 3], OWNER), (&[1, 2], Some(Fault::Neutral))]), [intent(1)]);
    assert_eq!(left(&[(&[1], None), (&[2], OWNER)]), []);
}

#[test]
fn a_bid_or_an_intent_that_ends_before_it_could_settle_takes_no_part() {
    let (mut market, first, intent) = outbid();
    let mut late = grounds(&market, &first, &[SOLVER]);
    let params = market.opening.params;
    let path_s = params.earliest_settlement_s(0);
    let last = market.bids.pop().unwrap();
    market.bid_with(2, &[(intent, 1_000, 970)], |terms| {
        terms.valid_until = u32::try_from(LATER_S + path_s).unwrap();
    });
    market.bids.push(last);
    let better = market.bids[2].id;
    let (_, second) = again(&market, &first, &late);
    assert_eq!(second.winners, [better], "to its last second");
    late.block_time_s += 1;
    let (_, second) = again(&market, &first, &late);
    assert_eq!(second.winners, [market.bids[1].id]);

    late.block_time_s = 1_900_000_000 - params.latest_settlement_s(0);
    assert_eq!(again(&market, &first, &late).0.intents().len(), 1);
    late.block_time_s += 1;
    assert!(again(&market, &first, &late).0.intents().is_empty(), "nor is it in the cut any more");
}

/// A record whose only winner failed on chain, and whose second attempt was won by its first bid.
fn failed() -> AuctionRecord {
    let mut record = record();
    let first = record.decision.clone().unwrap();
    assert_eq!(first.winners, [record.bids[1].id]);
    let intents = record.intents.iter().map(|(id, signed)| (*id, signed.intent.clone()));
    let cut = Cut::new(record.opening.clone(), intents.collect()).unwrap();
    let grounds = Grounds {
        reveal: reveal(),
        endings: vec![Ending { bid: first.winners[0], fault: SOLVER }],
        block: SEEN,
        block_time_s: LATER_S,
        intents: record.opening.intents.clone(),
        standings: record.standings.clone(),
    };
    let retrial = Retrial::new(&cut, &first, &grounds);
    let mut bids = super::super::record::received(&record.bids);
    bids.retain(|bid| retrial.admits(bid.id, &bid.bid));
    let decision = decide(retrial.cut(), &bids, &grounds.standings);
    assert_eq!(decision.winners, [record.bids[0].id]);
    let simulation = Some(super::exported::simulation(&[]));
    record.runner_up = Some(RunnerUp { grounds, simulation, decision });
    record
}

#[test]
fn a_record_with_a_second_attempt_verifies_at_every_stage() {
    for status in AuctionStatus::ALL {
        let public = failed().public(*status);
        assert_eq!(public.verify(), Ok(()), "{status:?}");
        let text = public.canonical().unwrap();
        let back: PublicRecord = serde_json::from_str(&text).unwrap();
        assert_eq!((back.canonical().unwrap(), back), (text, public));
    }
    let decided = failed().public(AuctionStatus::Decided);
    assert_eq!(decided.runner_up.unwrap().winners, [failed().bids[0].id], "its winners are public");
    assert!(decided.contents.is_none(), "its bids are not");
}

/// What `verify` says of the published record after `change`, with what it announces made right.
fn forged(change: impl FnOnce(&mut RunnerUp)) -> RecordFault {
    let mut record = failed();
    change(record.runner_up.as_mut().unwrap());
    record.public(AuctionStatus::Published).verify().unwrap_err()
}

#[test]
fn every_part_of_a_second_attempt_that_is_changed_is_named() {
    use RecordFault as F;
    let bid = |n: usize| failed().bids[n].id;
    assert_eq!(forged(|second| second.grounds.endings.clear()), F::Endings);
    assert_eq!(forged(|second| second.grounds.endings[0].bid = bid(0)), F::Endings);
    assert_eq!(forged(|second| second.grounds.endings[0].fault = None), F::LeftUnfilled);
    assert_eq!(forged(|second| second.grounds.endings[0].fault = OWNER), F::LeftUnfilled);
    assert_eq!(forged(|second| second.grounds.intents.truncate(1)), F::LeftUnfilled);
    assert_eq!(forged(|second| second.grounds.intents.swap(0, 1)), F::LeftUnfilled);
    assert_eq!(forged(|second| second.grounds.standings.block = None), F::GroundsBlock);
    let elsewhere = forged(|second| second.simulation.as_mut().unwrap().block.number += 1);
    assert_eq!(elsewhere, F::SimulationBlock);
    let poor = forged(|second| {
        for entry in &mut second.grounds.intents {
            entry.fundable = Amount::ZERO;
        }
    });
    assert_eq!(poor, F::Verdict(bid(0)));
    let late = forged(|second| second.grounds.block_time_s = 1_900_000_000);
    assert!(matches!(late, F::Verdicts(2)), "{late}");
    assert_eq!(forged(|second| second.decision.verdicts.truncate(1)), F::Verdicts(1));
    assert_eq!(forged(|second| second.decision.winners.clear()), F::Winner { place: 0 });
    let fault = forged(|second| second.decision.total_score = Amount::ZERO);
    assert_eq!(fault, F::TotalScore(Amount::from(40u64)));
    for because in [LeftOut::Failed, LeftOut::IntentGone] {
        let ruling = Ruling::Dropped(DropReason::LeftOut { because });
        let fault = forged(|second| second.decision.verdicts[0].ruling = ruling);
        assert_eq!(fault, F::LeftOut(bid(0)));
    }
    let ruling = Ruling::Dropped(DropReason::LeftOut { because: LeftOut::Simulation });
    let fault = forged(|second| second.decision.verdicts[0].ruling = ruling);
    assert_eq!(fault, F::SimulationMissing(bid(0)));
}

#[test]
fn what_is_announced_of_a_second_attempt_is_what_is_recorded_of_it() {
    let tampered = |change: fn(&mut PublicRecord)| {
        let mut public = failed().public(AuctionStatus::Published);
        change(&mut public);
        public.verify().unwrap_err()
    };
    assert_eq!(tampered(|record| record.runner_up = None), RecordFault::RunnerUp);
    let hidden = tampered(|record| record.contents.as_mut().unwrap().runner_up = None);
    assert_eq!(hidden, RecordFault::RunnerUp);
    let other = tampered(|record| record.runner_up.as_mut().unwrap().winners.clear());
    assert_eq!(other, RecordFault::RunnerUp);
    let undecided = |record: &mut PublicRecord| (record.decision, record.contents) = (None, None);
    assert_eq!(tampered(undecided), RecordFault::NotDecided);
}

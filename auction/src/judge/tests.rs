use alloy::primitives::{Address, Bytes};
use domain::{
    Amount,
    auction::{DropReason, Ruling, SolverStanding, Standings},
};
use infra::pg::intent::StoredIntent;
use serde_json::json;

use super::*;
use crate::{
    pack::signed_intent,
    testing::{bid, cut, key, placed, stored},
};

fn left_out(because: LeftOut) -> Ruling {
    Ruling::Dropped(DropReason::LeftOut { because })
}

fn judge(case: &Case) -> (Draft, Afterthought) {
    let mut told = None;
    let rest = think(case, case.left_out(), |draft| {
        told = Some(draft.unwrap());
        true
    });
    (told.unwrap(), rest)
}

/// Two solvers, 1 and 2, in good standing.
fn bidders() -> Bidders {
    let (bond, deposit) = (Amount::MAX, Amount::MAX);
    let known = || SolverStanding { registered: true, bond, deposit, ..SolverStanding::default() };
    let standings = Standings {
        block: None,
        gas_price: Amount::ZERO,
        solvers: [1, 2].map(|n| (key(n).address(), known())).into(),
        fillers: [1, 2].map(|n| (Address::repeat_byte(n), key(n).address())).into(),
    };
    Bidders { standings, ..Bidders::default() }
}

fn case(stored: &StoredIntent) -> Case {
    let bids = vec![placed(bid(1, stored.id, 1_100), 0), placed(bid(2, stored.id, 1_050), 1)];
    let stream = Stream::of_rows(bids);
    Case {
        attempt: 1,
        cut: cut(&[stored]),
        closing: stream.closing(),
        stream: stream.into(),
        bidders: bidders(),
        intents: signed_intent(stored).map(|signed| (stored.id, signed)).into_iter().collect(),
        gone: BTreeSet::new(),
    }
}

#[test]
fn the_better_bid_wins_and_is_packed_alone() {
    let stored = stored(9, &json!({}));
    let case = case(&stored);
    let (judged, rest) = judge(&case);
    let settlement = judged.settlement.unwrap();
    assert_eq!(case.closing.bid_count, 2);
    assert!(!case.closing.bids_root.is_zero());
    assert_eq!(settlement.bids.len(), 1);
    assert_eq!(settlement.bids[0].solver, key(1).address());
    assert_eq!(settlement.bids[0].fills[0].bought, 1_100_u64.into());
    assert_eq!(judged.decision.winners, [settlement.bids[0].bid]);
    assert_eq!(rest.insights.len(), 1);
}

#[test]
fn a_bid_whose_key_no_longer_signs_for_its_solver_is_left_out() {
    let stored = stored(9, &json!({}));
    let mut case = case(&stored);
    let first = case.stream.bids[0].id;
    case.bidders.unauthorised.insert(first);
    let (judged, _) = judge(&case);
    assert_eq!(judged.decision.verdicts[0].ruling, left_out(LeftOut::KeyForeign));
    assert_eq!(judged.settlement.unwrap().bids[0].solver, key(2).address());
    assert_eq!(case.closing.bid_count, 2, "it was received all the same");
}

#[test]
fn nobody_wins_an_intent_that_left_the_book() {
    let stored = stored(9, &json!({}));
    let mut case = case(&stored);
    case.gone.insert(stored.id);
    let (judged, _) = judge(&case);
    assert!(judged.settlement.is_none());
    assert!(judged.decision.winners.is_empty());
}

#[test]
fn a_bid_that_does_not_fit_the_format_is_left_out_and_decided_without() {
    let mut long = stored(9, &json!({}));
    long.erc1271 = true;
    long.signature = Bytes::from(vec![1; usize::from(u16::MAX) + 1]);
    let judged = judge(&case(&long)).0;
    assert!(judged.settlement.is_none());
    let rulings: Vec<_> = judged.decision.verdicts.iter().map(|v| v.ruling).collect();
    assert_eq!(rulings, [left_out(LeftOut::Unpackable); 2]);
}

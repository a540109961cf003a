use super::super::{LeftOut, Ruling, decide_without, fixture::*};
use crate::{Amount, BidId, IntentId};

/// An intent that any price above 1 fills; a bid of it scores what it pays above that.
fn any(market: &mut Market, owner: u8) -> IntentId {
    market.intent(Want::swap(owner, (X, 1_000), (Y, 1)))
}

#[test]
fn the_best_set_wins_where_the_best_bid_alone_would_not() {
    let mut market = Market::new();
    let [a, b, c, d] = [1, 2, 3, 4].map(|owner| any(&mut market, owner));
    // 21 for one bid, against 20 + 20 for two that it excludes; one price for the pair in each
    let mut bid = |n: u8, fills: [IntentId; 2], scores: [u128; 2]| {
        let fills = [(fills[0], 1_000, 1 + scores[0]), (fills[1], 1_000, 1 + scores[1])];
        market.bid(n, &fills)
    };
    bid(1, [a, b], [11, 10]);
    let q = bid(2, [b, c], [10, 10]);
    let r = bid(3, [a, d], [10, 10]);
    assert_eq!(market.winners(), [q, r]);
    let decision = market.decide();
    assert_eq!((decision.total_score, decision.gap), (Amount::from(40u64), Amount::ZERO));
    let short =
        Ruling::Lost { score: Amount::from(21u64), short_by: Amount::from(19u64), token: None };
    assert_eq!(decision.verdicts[0].ruling, short);
}

#[test]
fn parts_of_an_intent_win_together_while_they_fit() {
    let mut market = Market::new();
    let id = market.intent(Want::swap(1, (X, 1_000), (Y, 100)).partial());
    let a = market.bid(1, &[(id, 400, 440)]);
    let b = market.bid(2, &[(id, 600, 600)]);
    market.bid(3, &[(id, 401, 430)]);
    assert_eq!(market.winners(), [a, b]);
}

#[test]
fn a_solvers_alternatives_exclude_each_other_even_where_they_would_fit() {
    let mut market = Market::new();
    let id = market.intent(Want::swap(1, (X, 1_000), (Y, 100)).partial());
    market.bid(1, &[(id, 400, 440)]);
    let better = market.bid(1, &[(id, 500, 540)]);
    assert_eq!(market.winners(), [better]);
}

#[test]
fn a_solvers_nonce_settles_one_bid() {
    let mut market = Market::new();
    let (a, b) = (any(&mut market, 1), any(&mut market, 2));
    market.bid(1, &[(a, 1_000, 500)]);
    market.bid(1, &[(b, 1_000, 501)]);
    assert_eq!(market.winners(), [0, 1]);
    let bid = market.bids.pop().unwrap().bid;
    let better = market.bid_legs(1, bid.legs().to_vec(), |terms| terms.nonce = Amount::ZERO);
    assert_eq!(market.winners(), [better]);
}

#[test]
fn a_batch_keeps_to_its_gas_and_its_number_of_bids() {
    let mut market = Market::new();
    let ids = [1, 2, 3].map(|owner| any(&mut market, owner));
    for (n, id) in (1u8..).zip(ids) {
        market.bid(n, &[(id, 1_000, 500 + u128::from(n))]);
    }
    assert_eq!(market.winners(), [0, 1, 2]);
    market.opening.params.max_winners = 2;
    assert_eq!(market.winners(), [1, 2]);
    market.opening.params.max_winners = 255;
    market.opening.params.gas_budget = 610_000;
    assert_eq!(market.winners(), [1, 2]);
    market.opening.params.gas_budget = 16_000_000;
    market.opening.params.byte_budget = 1_000;
    assert_eq!(market.winners(), [1, 2]);
    assert_eq!(market.decide().gap, Amount::ZERO);
}

#[test]
fn of_equal_sets_the_one_that_fills_more_wins() {
    let mut market = Market::new();
    let a = any(&mut market, 1);
    let at_its_limit = market.intent(Want::swap(2, (X, 1_000), (Z, 1)));
    for n in 1..=9 {
        market.bid(n, &[(a, 1_000, 101)]);
    }
    let both = market.bid(10, &[(a, 1_000, 101), (at_its_limit, 1_000, 1)]);
    assert_eq!(market.winners(), [both]);
}

#[test]
fn of_equal_bids_the_place_decides_that_the_opening_hash_gives() {
    let mut market = Market::new();
    let id = any(&mut market, 1);
    for n in 1..=20 {
        market.bid(n, &[(id, 1_000, 101)]);
    }
    let open_hash = market.cut().open_hash();
    let place = |n: &usize| {
        let solver = market.bids[*n].bid.terms().solver;
        alloy_primitives::keccak256([open_hash.get().as_slice(), solver.as_slice()].concat())
    };
    let first = (0..20).min_by_key(place).unwrap();
    assert_eq!(market.winners(), [first]);
}

#[test]
fn of_one_solvers_equal_bids_the_first_wins() {
    let mut market = Market::new();
    let id = any(&mut market, 1);
    let first = market.bid(1, &[(id, 1_000, 101)]);
    market.bid(1, &[(id, 1_000, 101)]);
    assert_eq!(market.winners(), [first]);
}

#[test]
fn winners_stand_in_the_order_of_preference() {
    let mut market = Market::new();
    for n in 1..=30 {
        let id = any(&mut market, n);
        market.bid(n, &[(id, 1_000, 101)]);
    }
    let open_hash = market.cut().open_hash();
    let place = |id: &BidId| {
        let bid = market.bids.iter().find(|bid| bid.id == *id).unwrap();
        let solver = bid.bid.terms().solver;
        alloy_primitives::keccak256([open_hash.get().as_slice(), solver.as_slice()].concat())
    };
    let decision = market.decide();
    assert_eq!(decision.winners.len(), 30);
    assert!(decision.winners.is_sorted_by_key(place));
    for (rank, id) in (0..).zip(&decision.winners) {
        let verdict = decision.verdicts.iter().find(|verdict| verdict.bid == *id).unwrap();
        assert_eq!(verdict.ruling, Ruling::Won { score: Amount::from(100u64), rank, token: None });
    }
}

#[test]
fn a_losing_bid_changes_nothing_for_the_others() {
    let mut market = Market::new();
    let (a, b) = (any(&mut market, 1), any(&mut market, 2));
    market.bid(1, &[(a, 1_000, 300)]);
    market.bid(2, &[(b, 1_000, 300)]);
    let before = market.decide();
    market.bid(3, &[(a, 1_000, 200), (b, 1_000, 200)]);
    let after = market.decide();
    assert_eq!(before.winners, after.winners);
    assert_eq!(before.verdicts, after.verdicts[..2]);
}

#[test]
fn an_own_intent_at_an_absurd_limit_wins_no_foreign_one() {
    let mut market = Market::new();
    market.opening.params.surplus_cap_bps = 500;
    let victim = market.intent(Want::swap(1, (X, 1_000), (Y, 960)));
    let own = market.intent(Want::swap(9, (Y, 10), (X, 1)));
    let honest = market.bid(1, &[(victim, 1_000, 1_000)]);
    // fills the victim at its limit and pays its own intent a fortune out of its own pocket
    market.bid(2, &[(victim, 1_000, 960), (own, 10, 1_000_000)]);
    assert_eq!(market.winners(), [honest]);
}

#[test]
fn the_runner_up_is_the_same_decision_without_the_failed_bid() {
    let mut market = Market::new();
    let id = any(&mut market, 1);
    let best = market.bid(1, &[(id, 1_000, 300)]);
    market.bid(2, &[(id, 1_000, 299)]);
    let failed = market.bids[best].id;
    let left_out = [(failed, LeftOut::Failed)].into();
    let second = decide_without(&market.cut(), &market.bids, &market.standings, &left_out);
    assert_eq!(second.winners, [market.bids[1].id]);
    assert_eq!(second.verdicts.len(), 2);
    assert_eq!(second.left_out(), left_out);
}

#[test]
fn an_exhausted_budget_leaves_a_good_set_and_a_true_gap() {
    let mut market = Market::new();
    market.opening.params.node_budget = 0;
    let ids: Vec<IntentId> = (1..=7).map(|owner| any(&mut market, owner)).collect();
    // an odd cycle: the prices prove 3.5 pairs, three fit
    for n in 0..7 {
        let (a, b) = (ids[n], ids[(n + 1) % 7]);
        market.bid(n as u8 + 1, &[(a, 1_000, 101), (b, 1_000, 101)]);
    }
    let decision = market.decide();
    assert_eq!(decision.total_score, Amount::from(600u64));
    assert!(decision.gap <= Amount::from(110u64));
    market.opening.params.node_budget = 1_000;
    assert_eq!(market.decide().gap, Amount::ZERO);
}

#[test]
fn parts_of_an_exact_out_intent_share_what_its_owner_can_pay() {
    let mut market = Market::new();
    let want = Want::swap(1, (X, 1_000), (Y, 900)).exact_out().partial().fundable(979);
    let id = market.intent(want);
    for n in 1..=3 {
        market.bid(n, &[(id, 490, 450)]);
    }
    // two of them buy the 900, and would be paid 980
    assert_eq!(market.winners().len(), 1);
    market.opening.intents[0].fundable = Amount::from(980u64);
    assert_eq!(market.winners().len(), 2);
}

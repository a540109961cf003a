use std::collections::BTreeMap;

use super::super::{
    DropReason, InsightReason, LeftOut, Ruling, Verdict, decide_without, fixture::*, insights,
};
use crate::{Amount, IntentId};

fn amount(n: u128) -> Amount {
    Amount::from(n)
}

/// What became of a bid.
fn ruling(market: &Market, bid: usize) -> Ruling {
    let id = market.bids[bid].id;
    let of_bid = |verdict: &Verdict| verdict.bid == id;
    market.decide().verdicts.into_iter().find(of_bid).unwrap().ruling
}

fn is_unfair(market: &Market, bid: usize) -> bool {
    matches!(ruling(market, bid), Ruling::Dropped(DropReason::Unfair { .. }))
}

/// Two intents of one pair, and a third of another.
fn three(market: &mut Market) -> [IntentId; 3] {
    [(1, Y), (2, Y), (3, Z)]
        .map(|(owner, buy)| market.intent(Want::swap(owner, (X, 1_000), (buy, 900)).partial()))
}

#[test]
fn a_worse_price_than_somebody_offers_to_the_intent_alone_drops_a_bid_with_both_prices() {
    let mut market = Market::new();
    let [a, b, _] = three(&mut market);
    // it scores 180 where the single bid scores 95, and would win but for what it takes from `a`
    let batch = market.bid(1, &[(a, 1_000, 990), (b, 1_000, 990)]);
    let single = market.bid(2, &[(a, 1_000, 995)]);
    let unfair = DropReason::Unfair {
        intent: a,
        by: market.bids[single].id,
        sold: amount(1_000),
        bought: amount(990),
        better_sold: amount(1_000),
        better_bought: amount(995),
    };
    assert_eq!(ruling(&market, batch), Ruling::Dropped(unfair));
    assert_eq!(market.winners(), [single]);
}

#[test]
fn what_speaks_against_a_bid_must_fill_the_intent_alone_and_as_much_of_it() {
    let mut market = Market::new();
    let [a, b, c] = three(&mut market);
    let batch = market.bid(1, &[(a, 1_000, 950), (b, 1_000, 950)]);
    market.bid(2, &[(a, 999, 999)]);
    market.bid(3, &[(a, 1_000, 1_000), (c, 1_000, 1_000)]);
    assert!(!is_unfair(&market, batch));
    market.bid(4, &[(a, 1_000, 951)]);
    assert!(is_unfair(&market, batch));
}

#[test]
fn a_larger_fill_speaks_by_its_price() {
    let mut market = Market::new();
    let [a, b, _] = three(&mut market);
    // 0.95 against 0.949 and 0.951 for twice as much
    let batch = market.bid(1, &[(a, 500, 475), (b, 1_000, 950)]);
    market.bid(2, &[(a, 1_000, 949)]);
    assert!(!is_unfair(&market, batch));
    // 500 · 952 / 1000 = 476
    market.bid(3, &[(a, 1_000, 952)]);
    assert!(is_unfair(&market, batch));
}

#[test]
fn a_price_that_is_worse_by_rounding_alone_is_fair() {
    let mut market = Market::new();
    let [a, b, _] = three(&mut market);
    let batch = market.bid(1, &[(a, 500, 475), (b, 1_000, 950)]);
    // 500 · 951 / 1000 = 475.5, and half an atom cannot be paid
    market.bid(2, &[(a, 1_000, 951)]);
    assert!(!is_unfair(&market, batch));
    let out = market.intent(Want::swap(4, (X, 1_000), (Z, 900)).exact_out().partial());
    // 450 · 961 / 900 = 480.5: 481 is what that price costs, 482 is more
    let even = market.bid(3, &[(out, 481, 450), (b, 1_000, 950)]);
    let dear = market.bid(4, &[(out, 482, 450), (b, 1_000, 950)]);
    market.bid(5, &[(out, 961, 900)]);
    assert!(!is_unfair(&market, even));
    assert!(is_unfair(&market, dear));
}

#[test]
fn a_single_bid_that_is_unfair_itself_hides_behind_the_one_that_drops_it() {
    let mut market = Market::new();
    let [a, b, _] = three(&mut market);
    let batch = market.bid(1, &[(a, 1_000, 950), (b, 1_000, 950)]);
    let middle = market.bid(2, &[(a, 1_000, 960)]);
    let best = market.bid(3, &[(a, 1_000, 970)]);
    let by = |bid| match ruling(&market, bid) {
        Ruling::Dropped(DropReason::Unfair { by, .. }) => by,
        other => panic!("{other:?}"),
    };
    assert_eq!(by(middle), market.bids[best].id);
    assert_eq!(by(batch), market.bids[best].id);
}

#[test]
fn whom_only_a_dropped_bid_spoke_against_comes_back() {
    let mut market = Market::new();
    let [a, b, _] = three(&mut market);
    let batch = market.bid(1, &[(a, 1_000, 950), (b, 1_000, 950)]);
    let single = market.bid(2, &[(a, 1_000, 960)]);
    assert_eq!(market.winners(), [single]);
    // it failed its simulation: a bid that cannot settle is no better price
    let left_out = BTreeMap::from([(market.bids[single].id, LeftOut::Simulation)]);
    let again = decide_without(&market.cut(), &market.bids, &market.standings, &left_out);
    assert_eq!(again.winners, [market.bids[batch].id]);
    // and one that breaks a rule speaks against nobody in the first place
    market.standings.solvers.get_mut(&solver(2)).unwrap().paused = true;
    assert_eq!(market.winners(), [batch]);
}

#[test]
fn a_reference_lets_come_back_whom_that_solver_alone_spoke_against() {
    let mut market = Market::new();
    let [a, b, _] = three(&mut market);
    let batch = market.bid(1, &[(a, 1_000, 950), (b, 1_000, 950)]);
    market.bid(2, &[(a, 1_000, 960)]);
    market.bid(3, &[(b, 1_000, 920)]);
    assert!(is_unfair(&market, batch));
    let decision = market.decide_with_references();
    assert_eq!(decision.total_score, amount(60 + 20));
    let found: Vec<_> =
        decision.references.iter().map(|found| (found.solver, found.score)).collect();
    // without solver 2 the batch's 100 are fair; without solver 3 only 60 are left
    assert_eq!(found, [(solver(2), amount(100)), (solver(3), amount(60))]);
}

#[test]
fn an_intent_that_only_unfair_bids_touch_learns_that() {
    let mut market = Market::new();
    let [a, b, _] = three(&mut market);
    market.bid(1, &[(a, 1_000, 950), (b, 1_000, 950)]);
    market.bid(2, &[(a, 1_000, 960)]);
    let insights = insights(&market.cut(), &market.bids, &market.decide());
    let of = |id| insights.iter().find(|insight| insight.intent == id).unwrap();
    let codes = vec!["unfair".to_owned()];
    assert_eq!(of(b).reason, InsightReason::AllDropped { codes });
    assert_eq!((of(a).bids, of(a).valid_bids), (2, 1));
    assert_eq!(of(a).best.unwrap().bought, amount(960));
}

#[test]
fn an_offer_that_would_never_have_to_be_kept_speaks_against_nobody() {
    let speaks = |change: &dyn Fn(&mut Market, IntentId, IntentId)| {
        let mut market = Market::new();
        let [a, b, c] = three(&mut market);
        let batch = market.bid(1, &[(a, 1_000, 950), (b, 1_000, 950)]);
        change(&mut market, a, c);
        is_unfair(&market, batch)
    };
    let nonce = amount(77);
    assert!(speaks(&|market, a, _| {
        market.bid_with(2, &[(a, 1_000, 960)], |terms| terms.nonce = nonce);
    }));
    // another bid would settle in its place
    assert!(!speaks(&|market, a, c| {
        market.bid_with(2, &[(a, 1_000, 960)], |terms| terms.nonce = nonce);
        market.bid_with(2, &[(c, 1_000, 1_000)], |terms| terms.nonce = nonce);
    }));
    // that other bid breaks a rule; or another solver has the same number
    assert!(speaks(&|market, a, c| {
        market.bid_with(2, &[(a, 1_000, 960)], |terms| terms.nonce = nonce);
        market.bid_with(2, &[(c, 1_000, 899)], |terms| terms.nonce = nonce);
        market.bid_with(3, &[(c, 1_000, 1_000)], |terms| terms.nonce = nonce);
    }));
}

#[test]
fn an_offer_speaks_against_bids_of_its_own_size_and_larger_ones() {
    // of 16,000,000 gas: a 32nd is 500,000, a 16th 1,000,000, an eighth 2,000,000
    let speaks = |offered: u32, others: u32| {
        let mut market = Market::new();
        let [a, b, _] = three(&mut market);
        let fills = [(a, 1_000, 950), (b, 1_000, 950)];
        let batch = market.bid_with(1, &fills, |terms| terms.gas = others);
        market.bid_with(2, &[(a, 1_000, 960)], |terms| terms.gas = offered);
        is_unfair(&market, batch)
    };
    // what one fill may well take speaks against the smallest bids too
    assert!(speaks(400_000, 250_000));
    assert!(!speaks(500_000, 250_000));
    assert!(!speaks(1_900_000, 250_000));
    assert!(!speaks(1_900_000, 900_000));
    assert!(speaks(900_000, 500_000));
    assert!(!speaks(1_000_000, 500_000));
    assert!(speaks(1_900_000, 1_000_000));
    // no good batch has room for it
    assert!(speaks(1_900_000, 5_000_000));
    assert!(!speaks(2_000_000, 5_000_000));
}

#[test]
fn a_small_offer_still_speaks_where_a_larger_one_offers_more() {
    let mut market = Market::new();
    let [a, b, _] = three(&mut market);
    let batch = market.bid(1, &[(a, 1_000, 950), (b, 1_000, 950)]);
    let even = market.bid(4, &[(a, 1_000, 960)]);
    let small = market.bid(2, &[(a, 1_000, 960)]);
    market.bid_with(3, &[(a, 1_000, 999)], |terms| terms.gas = 1_900_000);
    assert!(is_unfair(&market, batch));
    assert!(!is_unfair(&market, even) && !is_unfair(&market, small));
}

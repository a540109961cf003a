use alloy_primitives::U256;

use super::super::{DropReason, MAX_SCORE, fixture::*};
use crate::{
    Amount,
    bid::{End, Leg},
};

fn score(want: Want, sold: u128, bought: u128, cap_bps: u32) -> Result<u128, DropReason> {
    let mut market = Market::new();
    market.opening.params.surplus_cap_bps = cap_bps;
    let id = market.intent(want);
    let bid = market.bid(1, &[(id, sold, bought)]);
    market.check(bid).map(|score| u128::try_from(score.get()).unwrap())
}

#[test]
fn an_exact_in_fill_scores_what_is_bought_above_the_limit() {
    assert_eq!(score(Want::swap(1, (X, 1_000), (Y, 900)), 1_000, 950, 10_000), Ok(50));
    assert_eq!(score(Want::swap(1, (X, 1_000), (Y, 900)), 1_000, 900, 10_000), Ok(0));
}

#[test]
fn an_exact_out_fill_scores_what_is_sold_below_the_limit() {
    let want = Want::swap(1, (X, 1_000), (Y, 900)).exact_out();
    assert_eq!(score(want, 960, 900, 10_000), Ok(40));
}

#[test]
fn a_partial_fill_is_measured_against_its_part_of_the_limit() {
    let want = Want::swap(1, (X, 1_000), (Y, 901)).partial();
    // 300 · 901 / 1000 = 270.3: the least that keeps the limit is 271
    assert_eq!(score(want, 300, 280, 10_000), Ok(9));
    // 300 · 1000 / 901 = 332.9: the most that keeps the limit is 332
    assert_eq!(score(want.exact_out(), 320, 300, 10_000), Ok(12));
}

#[test]
fn surplus_is_valued_in_the_surplus_token_and_rounded_down() {
    let mut market = Market::new();
    market.opening.prices[1].price = Amount::from(UNIT / 3);
    market.opening.prices[0].price = Amount::from(UNIT / 3);
    let id = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let bid = market.bid(1, &[(id, 1_000, 905)]);
    assert_eq!(market.check(bid), Ok(Amount::from(1u64)));
}

#[test]
fn a_limit_far_below_the_reference_price_adds_nothing() {
    // at a cap of 1 % surplus counts from 990, wherever the limit is
    let honest = score(Want::swap(1, (X, 1_000), (Y, 990)), 1_000, 1_000, 100);
    let absurd = score(Want::swap(1, (X, 1_000), (Y, 1)), 1_000, 1_000, 100);
    assert_eq!((honest, absurd), (Ok(10), Ok(10)));
    let out = |sell| Want::swap(1, (X, sell), (Y, 990)).exact_out();
    assert_eq!(score(out(1_000), 990, 990, 100), Ok(10));
    assert_eq!(score(out(1_000_000), 990, 990, 100), Ok(10));
}

#[test]
fn a_price_far_above_the_reference_adds_nothing() {
    // a solver that pays its own intent a thousandfold pays itself
    assert_eq!(score(Want::swap(1, (X, 1_000), (Y, 990)), 1_000, 1_000_000, 100), Ok(20));
    let want = Want::swap(1, (X, 1_000), (Y, 990)).exact_out();
    // 990 / 1.01 rounded up
    assert_eq!(score(want, 1, 990, 100), Ok(1_000 - 981));
}

#[test]
fn exact_out_surplus_counts_from_no_more_than_the_owner_can_pay() {
    let want = Want::swap(1, (X, 1_000_000), (Y, 900)).exact_out();
    assert_eq!(score(want.fundable(950), 940, 900, 10_000), Ok(10));
    assert_eq!(score(want.fundable(940), 940, 900, 10_000), Ok(0));
}

#[test]
fn the_largest_fills_are_scored_to_the_unit() {
    let mut market = Market::new();
    let huge = (u128::MAX >> 1).to_string();
    let id = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let message = serde_json::to_string(&market.intents[&id]).unwrap();
    let message = message
        .replace("\"1000\"", &format!("\"{huge}\""))
        .replace("\"900\"", &format!("\"{huge}\""));
    let intent: crate::Intent = serde_json::from_str(&message).unwrap();
    let id = intent.id(&market.cut().domain());
    market.intents = [(id, intent)].into();
    market.opening.intents[0].id = id;
    let amount = Amount::new(U256::from(u128::MAX >> 1));
    market.opening.intents[0].fundable = amount;
    let leg = |from, to, amount| Leg { from, to, amount };
    let more = amount.checked_add(Amount::from(7u64)).unwrap();
    let legs =
        vec![leg(End::Intent(id), End::Filler, amount), leg(End::Filler, End::Intent(id), more)];
    let bid = market.bid_legs(1, legs, |_| {});
    assert_eq!(market.check(bid), Ok(Amount::from(7u64)));
}

#[test]
fn a_score_beyond_anything_real_is_refused() {
    let want = |buy| Want::swap(1, (X, 1 << 100), (Y, buy));
    assert_eq!(score(want(1), 1 << 100, MAX_SCORE + 1, 10_000), Ok(MAX_SCORE));
    assert_eq!(score(want(1), 1 << 100, MAX_SCORE + 2, 10_000), Err(DropReason::ScoreTooLarge));
}

#[test]
fn scaling_all_prices_scales_the_scores() {
    let scored = |factor: u128| {
        let mut market = Market::new();
        market.opening.params.surplus_cap_bps = 300;
        for price in &mut market.opening.prices {
            price.price = Amount::from(UNIT * factor);
        }
        let a = market.intent(Want::swap(1, (X, 10_000), (Y, 9_000)));
        let b = market.intent(Want::swap(2, (Y, 10_000), (Z, 9_900)).exact_out());
        let bid = market.bid(1, &[(a, 10_000, 10_123), (b, 9_950, 9_900)]);
        u128::try_from(market.check(bid).unwrap().get()).unwrap()
    };
    assert_eq!(scored(17), 17 * scored(1));
}

#[test]
fn a_token_without_a_price_cannot_be_scored() {
    let mut market = Market::new();
    market.opening.prices.remove(1);
    let id = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let bid = market.bid(1, &[(id, 1_000, 905)]);
    assert_eq!(market.check(bid), Err(DropReason::Unpriced { token: token(Y) }));
}

use serde_json::json;

use super::*;
use crate::testing::{CLOSES_AT_MS, X, funded, key, stored};

fn params() -> Params {
    Params { max_intents: 2, min_fill_bps: 1_000, ..Params::default() }
}

fn chosen(candidates: &[Candidate], in_flight: &InFlight) -> Selection {
    select(candidates, in_flight, &params(), CLOSES_AT_MS)
}

fn reasons(selection: &Selection) -> Vec<&'static str> {
    selection.left_out.iter().map(|(_, why)| why.code()).collect()
}

#[test]
fn a_funded_intent_enters_with_what_its_owner_can_pay() {
    let candidate = funded(stored(1, &json!({})), 5_000);
    let selection = chosen(std::slice::from_ref(&candidate), &InFlight::new());
    assert_eq!(selection.chosen.len(), 1);
    assert_eq!(selection.chosen[0].id, candidate.stored.id);
    assert_eq!(selection.chosen[0].fundable, Amount::from(5_000_u64));
    assert!(selection.left_out.is_empty());
}

#[test]
fn what_is_in_flight_of_an_owner_and_token_is_taken_off() {
    let candidates = [funded(stored(1, &json!({})), 1_500), funded(stored(2, &json!({})), 1_500)];
    let in_flight = InFlight::from([((key(1).address(), X), Amount::from(501_u64))]);
    let selection = chosen(&candidates, &in_flight);
    assert_eq!(reasons(&selection), ["in_flight"]);
    assert_eq!(selection.chosen.len(), 1, "another owner's balance is untouched");
}

#[test]
fn every_reason_to_be_left_out_is_named() {
    let mut no_allowance = funded(stored(2, &json!({})), 1_000);
    no_allowance.funds.allowance = Amount::from(999_u64);
    let mut nonce_used = funded(stored(3, &json!({})), 1_000);
    nonce_used.funds.nonce_used = true;
    let mut done = funded(stored(4, &json!({ "partiallyFillable": true })), 1_000);
    done.funds.filled = Amount::from(1_000_u64);
    let candidates = [
        funded(stored(1, &json!({})), 999),
        no_allowance,
        nonce_used,
        done,
        funded(stored(5, &json!({ "validTo": 1_790_000_100 })), 1_000),
    ];
    let selection = chosen(&candidates, &InFlight::new());
    assert!(selection.chosen.is_empty());
    let expected =
        ["balance_short", "allowance_short", "nonce_used", "nothing_left", "expires_too_soon"];
    assert_eq!(reasons(&selection), expected);
}

#[test]
fn a_partially_fillable_intent_needs_funds_for_the_least_fill_only() {
    let partial = || stored(1, &json!({ "partiallyFillable": true }));
    assert_eq!(chosen(&[funded(partial(), 100)], &InFlight::new()).chosen.len(), 1);
    assert_eq!(reasons(&chosen(&[funded(partial(), 99)], &InFlight::new())), ["balance_short"]);
    let mut nearly_full = funded(partial(), 10);
    nearly_full.stored.filled = Amount::from(990_u64);
    assert_eq!(chosen(&[nearly_full], &InFlight::new()).chosen.len(), 1, "the rest will do");
}

#[test]
fn an_exact_out_intent_enters_with_any_funds_because_the_price_is_not_known() {
    let exact_out = stored(1, &json!({ "kind": 1 }));
    assert_eq!(chosen(&[funded(exact_out, 1)], &InFlight::new()).chosen.len(), 1);
}

#[test]
fn the_auction_holds_no_more_than_its_size_and_the_first_come_first() {
    let candidates: Vec<_> = (1..=3).map(|n| funded(stored(n, &json!({})), 1_000)).collect();
    let selection = chosen(&candidates, &InFlight::new());
    let ids: Vec<_> = selection.chosen.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [candidates[0].stored.id, candidates[1].stored.id]);
    assert!(selection.left_out.is_empty(), "whoever waits for its turn is not told a fault");
}

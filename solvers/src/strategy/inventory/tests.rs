use alloy_primitives::U256;
use proptest::prelude::*;

use super::*;
use crate::strategy::judge::{Court, Sketch, TOKENS, sketches, token};

const ETH: u128 = 1_000_000_000_000_000_000;
const TERMS: Terms = Terms { spread_bps: 50, limit: 64 };

fn funds(amount: u128) -> BTreeMap<Address, Amount> {
    (0..TOKENS).map(|n| (token(n), Amount::new(U256::from(amount)))).collect()
}

fn legs(plan: &Plan) -> Vec<(bool, u64)> {
    plan.legs.iter().map(|leg| (leg.from == End::Filler, leg.amount.get().to::<u64>())).collect()
}

#[test]
fn an_exact_in_intent_is_paid_the_reference_price_less_the_spread() {
    let court = Court::new(&[Sketch::new(0, 10_000, 1, 19_000)], &[2 * ETH, ETH], 1_000_000);
    let plans = plan(&court.market, &funds(1_000_000), TERMS);
    assert_eq!(plans.len(), 1);
    assert_eq!(legs(&plans[0]), [(false, 10_000), (true, 19_900)]);
    assert_eq!(plans[0].pays, [(token(1), Amount::from(19_900u64))].into());
    assert!(court.judge(&plans[0]).is_ok());
}

#[test]
fn an_exact_out_intent_pays_the_reference_price_and_the_spread() {
    let wants = Sketch::new(0, 11_000, 1, 20_000).exact_out();
    let court = Court::new(&[wants], &[2 * ETH, ETH], 1_000_000);
    let plans = plan(&court.market, &funds(1_000_000), TERMS);
    assert_eq!(legs(&plans[0]), [(false, 10_051), (true, 20_000)]);
    assert!(court.judge(&plans[0]).is_ok());
}

#[test]
fn a_limit_beyond_the_price_is_not_filled() {
    let court = Court::new(&[Sketch::new(0, 10_000, 1, 19_901)], &[2 * ETH, ETH], 1_000_000);
    assert_eq!(plan(&court.market, &funds(1_000_000), TERMS), []);
}

#[test]
fn a_partially_fillable_intent_is_filled_as_far_as_the_filler_can_pay() {
    let court =
        Court::new(&[Sketch::new(0, 10_000, 1, 19_000).partial()], &[2 * ETH, ETH], 1_000_000);
    let plans = plan(&court.market, &funds(5_000), TERMS);
    assert_eq!(legs(&plans[0]), [(false, 2_512), (true, 4_998)]);
    assert!(court.judge(&plans[0]).is_ok());
    assert_eq!(plan(&court.market, &funds(1_000), TERMS), [], "less than the least part");
}

#[test]
fn intents_of_a_pair_share_one_bid_and_stand_alone_as_alternatives() {
    let sketches = [1_000u128, 2_000, 3_000].map(|n| Sketch::new(0, n, 1, n));
    let court = Court::new(&sketches, &[2 * ETH, ETH], 1_000_000);
    let plans = plan(&court.market, &funds(1_000_000), TERMS);
    let sizes: Vec<_> = plans.iter().map(|plan| plan.intents.len()).collect();
    assert_eq!(sizes, [3, 1, 1, 1]);
}

#[test]
fn an_intent_that_may_only_be_filled_alone_has_a_bid_of_its_own() {
    let mut sketches = [1_000u128, 2_000, 3_000].map(|n| Sketch::new(0, n, 1, n));
    sketches[0] = sketches[0].clone().alone(2);
    let court = Court::new(&sketches, &[2 * ETH, ETH], 1_000_000);
    let plans = plan(&court.market, &funds(1_000_000), TERMS);
    let sizes: Vec<_> = plans.iter().map(|plan| plan.intents.len()).collect();
    assert_eq!(sizes, [2, 1, 1, 1]);
    assert!(plans.iter().all(|plan| court.judge(plan).is_ok()));
}

#[test]
fn one_owners_intents_are_not_filled_beyond_the_owners_balance() {
    let sketches = [4_000u128, 5_000].map(|n| Sketch::new(0, n, 1, n));
    let court = Court::new(&sketches, &[2 * ETH, ETH], 6_000);
    let plans = plan(&court.market, &funds(1_000_000), TERMS);
    assert_eq!(plans.len(), 1);
    assert_eq!(plans[0].intents.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_bid_keeps_every_rule_and_all_together_stay_within_the_inventory(
        (sketches, prices) in sketches(),
        owned in prop_oneof![Just(u128::MAX), 1u128..3_000_000],
        inventory in prop_oneof![Just(u128::MAX), 1u128..3_000_000, Just(0)],
        spread_bps in prop_oneof![0u32..200, Just(9_999)],
    ) {
        let court = Court::new(&sketches, &prices, owned);
        let funds = funds(inventory);
        let plans = plan(&court.market, &funds, Terms { spread_bps, limit: 1_000 });
        for plan in &plans {
            let verdict = court.judge(plan);
            prop_assert!(verdict.is_ok(), "{verdict:?}\n{plan:?}");
        }
        // batches are disjoint and the rest are parts of them, so batches bound what can be paid
        let mut seen = std::collections::BTreeSet::new();
        let mut paid = BTreeMap::<Address, Amount>::new();
        for plan in &plans {
            if plan.intents.iter().all(|id| seen.insert(*id)) {
                for (token, amount) in &plan.pays {
                    let sum = paid.entry(*token).or_default();
                    *sum = sum.checked_add(*amount).unwrap();
                }
            }
        }
        for (token, amount) in paid {
            prop_assert!(amount <= funds[&token]);
        }
    }
}

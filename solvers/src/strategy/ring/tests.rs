use proptest::prelude::*;

use super::*;
use crate::strategy::judge::{Court, Sketch, sketches, token};

const ETH: u128 = 1_000_000_000_000_000_000;

fn amounts(plan: &Plan) -> Vec<u64> {
    let mut amounts: Vec<_> = plan.legs.iter().map(|leg| leg.amount.get().to::<u64>()).collect();
    amounts.sort_unstable();
    amounts
}

fn only_plan(court: &Court) -> Plan {
    let mut plans = plan(&court.market, 10);
    assert_eq!(plans.len(), 1, "{plans:?}");
    let plan = plans.remove(0);
    assert!(court.judge(&plan).is_ok(), "{:?}", court.judge(&plan));
    plan
}

#[test]
fn two_whole_intents_that_cross_are_matched_with_two_transfers() {
    let sketches = [Sketch::new(0, 1_000, 1, 1_900), Sketch::new(1, 2_000, 0, 950)];
    let court = Court::new(&sketches, &[2 * ETH, ETH], 1_000_000);
    assert_eq!(amounts(&only_plan(&court)), [1_000, 2_000]);
}

#[test]
fn an_intent_that_may_only_be_filled_alone_is_in_no_ring() {
    let sketches = [Sketch::new(0, 1_000, 1, 1_900), Sketch::new(1, 2_000, 0, 950).alone(2)];
    let court = Court::new(&sketches, &[2 * ETH, ETH], 1_000_000);
    assert_eq!(plan(&court.market, 10), []);
}

#[test]
fn intents_whose_limits_do_not_cross_are_not_matched() {
    let sketches = [Sketch::new(0, 1_000, 1, 2_001), Sketch::new(1, 2_000, 0, 950)];
    let court = Court::new(&sketches, &[2 * ETH, ETH], 1_000_000);
    assert_eq!(plan(&court.market, 10), []);
    let sketches = [Sketch::new(0, 1_000, 1, 1_900), Sketch::new(1, 2_000, 0, 950)];
    assert_eq!(plan(&Court::new(&sketches, &[2 * ETH, ETH], 999).market, 10), [], "unfunded");
}

#[test]
fn a_partially_fillable_intent_takes_the_size_of_its_counterpart_at_the_reference_price() {
    let sketches = [Sketch::new(0, 1_000, 1, 1_900), Sketch::new(1, 9_000, 0, 4_000).partial()];
    let court = Court::new(&sketches, &[2 * ETH, ETH], 1_000_000);
    assert_eq!(amounts(&only_plan(&court)), [1_000, 2_000]);
}

#[test]
fn an_exact_out_intent_gets_exactly_what_it_asked_for() {
    let wants = Sketch::new(0, 1_100, 1, 2_000).exact_out();
    let court =
        Court::new(&[wants, Sketch::new(1, 5_000, 0, 2_400).partial()], &[2 * ETH, ETH], 1_000_000);
    assert_eq!(amounts(&only_plan(&court)), [1_000, 2_000]);
}

#[test]
fn three_intents_close_a_ring_that_no_two_of_them_could() {
    let sketches = [
        Sketch::new(0, 1_000, 1, 1_950),
        Sketch::new(1, 2_000, 2, 480),
        Sketch::new(2, 500, 0, 990),
    ];
    let court = Court::new(&sketches, &[2 * ETH, ETH, 4 * ETH], 1_000_000);
    let plan = only_plan(&court);
    assert_eq!(amounts(&plan), [500, 1_000, 2_000]);
    assert_eq!(plan.intents.len(), 3);
}

#[test]
fn a_ring_whose_limits_meet_to_the_atom_is_found() {
    let sketches = [Sketch::new(0, 7, 1, 3).partial(), Sketch::new(1, 3, 0, 7)];
    let court = Court::new(&sketches, &[3 * ETH, 7 * ETH], 1_000);
    assert_eq!(amounts(&only_plan(&court)), [3, 7]);
}

#[test]
fn tokens_without_a_price_are_left_alone() {
    let sketches = [Sketch::new(0, 1_000, 3, 1_900), Sketch::new(3, 2_000, 0, 950)];
    assert_eq!(plan(&Court::new(&sketches, &[2 * ETH, ETH], 1_000_000).market, 10), []);
    assert_ne!(token(0), token(3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_ring_keeps_every_rule_of_the_auction(
        (sketches, prices) in sketches(),
        funds in prop_oneof![Just(u128::MAX), 1u128..3_000_000],
    ) {
        let court = Court::new(&sketches, &prices, funds);
        for plan in plan(&court.market, 64) {
            let verdict = court.judge(&plan);
            prop_assert!(verdict.is_ok(), "{verdict:?}\n{plan:?}");
        }
    }

    #[test]
    fn two_whole_intents_are_matched_whenever_their_limits_allow_it(
        sells in (1u128..1_000, 1u128..1_000), buys in (1u128..1_000, 1u128..1_000),
    ) {
        let sketches = [Sketch::new(0, sells.0, 1, buys.0), Sketch::new(1, sells.1, 0, buys.1)];
        let court = Court::new(&sketches, &[ETH, ETH], 1_000_000);
        let cross = sells.1 >= buys.0 && sells.0 >= buys.1;
        prop_assert_eq!(plan(&court.market, 10).len(), usize::from(cross));
    }
}

#[test]
fn several_intents_are_paid_by_one_that_takes_parts() {
    let small = [400u128, 300].map(|n| Sketch::new(0, n, 1, n * 19 / 10));
    let wants = Sketch::new(0, 220, 1, 400).exact_out();
    let hub = Sketch::new(1, 5_000, 0, 2_300).partial();
    let sketches = [small[0].clone(), small[1].clone(), wants, hub];
    let court = Court::new(&sketches, &[2 * ETH, ETH], 1_000_000);
    let plans = plan(&court.market, 10);
    let best = &plans[0];
    assert_eq!(best.intents.len(), 4, "{plans:?}");
    assert_eq!(amounts(best), [200, 300, 400, 400, 600, 800]);
    assert!(court.judge(best).is_ok());
}

#[test]
fn a_hub_whose_limit_is_below_the_reference_price_pays_its_limit() {
    let sketches = [
        Sketch::new(0, 100, 1, 180),
        Sketch::new(0, 200, 1, 360),
        Sketch::new(1, 950, 0, 500).partial(),
    ];
    let court = Court::new(&sketches, &[2 * ETH, ETH], 1_000_000);
    let plans = plan(&court.market, 10);
    assert_eq!(amounts(&plans[0]), [100, 190, 200, 380]);
    assert!(court.judge(&plans[0]).is_ok());
}

//! The decision against every subset, from the rules' text and nothing of the search.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use proptest::prelude::*;

use super::super::{Decision, Ruling, fixture::*};
use crate::{Amount, BidId, IntentId, intent::Kind};

#[derive(Clone, Debug)]
struct IntentPlan {
    owner: u8,
    sell: u8,
    exact_out: bool,
    partial: bool,
    fundable: u128,
    filled: u128,
}

#[derive(Clone, Debug)]
struct BidPlan {
    solver: u8,
    /// intent, quarters of it, price per mille
    fills: Vec<(usize, u128, u128)>,
    gas: u32,
    nonce: u64,
}

#[derive(Clone, Debug)]
struct Plan {
    intents: Vec<IntentPlan>,
    bids: Vec<BidPlan>,
    gas_budget: u64,
    max_winners: u32,
}

fn intents() -> impl Strategy<Value = Vec<IntentPlan>> {
    let intent =
        (1u8..4, prop_oneof![Just(X), Just(Y)], any::<bool>(), any::<bool>(), 2u128..6, 0u128..2);
    let intent =
        intent.prop_map(|(owner, sell, exact_out, partial, fundable, filled)| IntentPlan {
            owner,
            sell,
            exact_out,
            partial,
            fundable: fundable * 300,
            filled: if partial { filled * 250 } else { 0 },
        });
    prop::collection::vec(intent, 1..6)
}

fn bid() -> impl Strategy<Value = BidPlan> {
    // few prices, so that ties are common
    let fill = (
        0usize..6,
        1u128..5,
        prop_oneof![Just(1_000u128), Just(1_010), Just(1_020), 1_000u128..1_100],
    );
    let fills = prop::collection::vec(fill, 1..4);
    (1u8..5, fills, prop_oneof![Just(50_000u32), 20_000u32..200_000], 0u64..9)
        .prop_map(|(solver, fills, gas, nonce)| BidPlan { solver, fills, gas, nonce })
}

fn plan() -> impl Strategy<Value = Plan> {
    let gas_budget = prop_oneof![Just(16_000_000u64), 150_000u64..700_000];
    let max_winners = prop_oneof![Just(255u32), 1u32..4];
    (intents(), prop::collection::vec(bid(), 0..11), gas_budget, max_winners).prop_map(
        |(intents, bids, gas_budget, max_winners)| Plan { intents, bids, gas_budget, max_winners },
    )
}

fn market(plan: &Plan) -> Market {
    let mut market = Market::new();
    market.opening.params.gas_budget = plan.gas_budget;
    market.opening.params.max_winners = plan.max_winners;
    let mut fundable = BTreeMap::new();
    let ids: Vec<IntentId> = plan
        .intents
        .iter()
        .map(|intent| {
            let purse = *fundable.entry((intent.owner, intent.sell)).or_insert(intent.fundable);
            let buy = if intent.sell == X { Y } else { X };
            let want = Want::swap(intent.owner, (intent.sell, 1_000), (buy, 900));
            market.intent(Want {
                exact_out: intent.exact_out,
                partial: intent.partial,
                fundable: purse,
                filled: intent.filled,
                ..want
            })
        })
        .collect();
    for (n, bid) in plan.bids.iter().enumerate() {
        let mut fills = BTreeMap::new();
        let price = bid.fills[0].2;
        for (intent, quarters, _) in &bid.fills {
            let at = intent % ids.len();
            let plan = &plan.intents[at];
            let quarters = if plan.partial { *quarters } else { 4 };
            let fill = if plan.exact_out {
                let bought = 900 * quarters / 4;
                (ids[at], bought * 1_000 / price, bought)
            } else {
                let sold = 1_000 * quarters / 4;
                (ids[at], sold, sold * price / 1_000)
            };
            fills.insert(at, fill);
        }
        let fills: Vec<_> = fills.into_values().collect();
        market.bid(bid.solver, &fills);
        let made = market.bids.pop().unwrap();
        market.bid_legs(bid.solver, made.bid.legs().to_vec(), |terms| {
            terms.gas = bid.gas;
            terms.nonce = Amount::from(bid.nonce);
        });
        assert_eq!(market.bids.len(), n + 1);
    }
    market
}

/// Whether bids can win together, by the text of the rules.
fn feasible(market: &Market, set: &[usize]) -> bool {
    let params = &market.opening.params;
    let mut left = BTreeMap::new();
    let mut purses = BTreeMap::new();
    let (mut gas, mut bytes) = (0, 0);
    for (n, at) in set.iter().enumerate() {
        let bid = &market.bids[*at].bid;
        for other in &set[..n] {
            let other = &market.bids[*other].bid;
            let share = bid.fills().iter().any(|fill| other.fill_of(fill.intent).is_some());
            let same_nonce = bid.terms().nonce == other.terms().nonce;
            if bid.terms().solver == other.terms().solver && (share || same_nonce) {
                return false;
            }
        }
        for fill in bid.fills() {
            let intent = &market.intents[&fill.intent];
            let exact = if intent.kind() == Kind::ExactIn { fill.sold } else { fill.bought };
            *left.entry(fill.intent).or_insert(Amount::ZERO) =
                left.get(&fill.intent).copied().unwrap_or(Amount::ZERO).checked_add(exact).unwrap();
            let purse = (intent.owner(), intent.pair().sell);
            let paid = purses.get(&purse).copied().unwrap_or(Amount::ZERO);
            purses.insert(purse, paid.checked_add(fill.sold).unwrap());
        }
        let section = super::super::load::section_bytes(bid, &market.intents);
        let signed = u64::from(bid.terms().gas);
        gas += signed + signed.div_ceil(63) + params.gas_per_bid + params.gas_per_byte * section;
        gas += 1_100 * bid.legs().len() as u64;
        bytes += section;
    }
    let entry = |id: &IntentId| market.opening.intent(*id).unwrap();
    left.iter().all(|(id, sum)| {
        let whole = market.intents[id].exact_amount();
        *sum <= whole.saturating_sub(entry(id).filled)
    }) && purses.iter().all(|((owner, sell), sum)| {
        let of_purse = |id: &&IntentId| {
            let intent = &market.intents[*id];
            intent.owner() == *owner && intent.pair().sell == *sell
        };
        market.intents.keys().filter(of_purse).all(|id| *sum <= entry(id).fundable)
    }) && gas <= params.gas_budget
        && bytes <= params.byte_budget
        && set.len() as u64 <= u64::from(params.max_winners)
}

/// A set's score, its fills, and its sorted list of places.
type Ranked = (Amount, usize, Vec<(B256, usize)>);

/// The best of all sets, in settlement order.
fn best(market: &Market) -> (Amount, Vec<BidId>) {
    let open_hash = market.cut().open_hash();
    let place = |at: usize| -> (B256, usize) {
        let solver = market.bids[at].bid.terms().solver;
        (keccak256([open_hash.get().as_slice(), solver.as_slice()].concat()), at)
    };
    let valid: Vec<(usize, Amount)> =
        (0..market.bids.len()).filter_map(|at| Some((at, market.check(at).ok()?))).collect();
    let mut best: Option<Ranked> = None;
    for mask in 0u32..1 << valid.len() {
        let chosen = (0..valid.len()).filter(|n| mask & (1 << n) != 0).map(|n| valid[n]);
        let (set, scores): (Vec<usize>, Vec<Amount>) = chosen.unzip();
        if !feasible(market, &set) {
            continue;
        }
        let score = scores.iter().fold(Amount::ZERO, |sum, score| sum.checked_add(*score).unwrap());
        let fills: usize = set.iter().map(|at| market.bids[*at].bid.fills().len()).sum();
        let mut places: Vec<_> = set.iter().map(|at| place(*at)).collect();
        places.sort_unstable();
        let better = best.as_ref().is_none_or(|(most, filled, list)| {
            (score, fills).cmp(&(*most, *filled)).then_with(|| list.cmp(&places)).is_gt()
        });
        if better {
            best = Some((score, fills, places));
        }
    }
    let (score, _, places) = best.unwrap();
    (score, places.iter().map(|(_, at)| market.bids[*at].id).collect())
}

fn outcome(decision: &Decision) -> (Amount, Vec<BidId>) {
    (decision.total_score, decision.winners.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_decision_is_the_best_of_all_subsets(plan in plan()) {
        let market = market(&plan);
        let decision = market.decide();
        prop_assert_eq!(decision.gap, Amount::ZERO);
        prop_assert_eq!(outcome(&decision), best(&market));
    }

    #[test]
    fn the_order_of_arrival_at_the_function_does_not_matter(plan in plan(), seed in any::<u64>()) {
        let mut market = market(&plan);
        let before = market.decide();
        let mut mixed: Vec<_> = market.bids.drain(..).collect();
        mixed.sort_by_key(|bid| keccak256([bid.id.as_bytes(), &seed.to_be_bytes()].concat()));
        market.bids = mixed;
        prop_assert_eq!(before, market.decide());
    }

    #[test]
    fn a_small_budget_gives_a_feasible_set_and_a_gap_that_covers_the_best(plan in plan(), budget in 0u64..4) {
        let mut market = market(&plan);
        let (most, _) = best(&market);
        market.opening.params.node_budget = budget;
        let decision = market.decide();
        let at = |id: &BidId| market.bids.iter().position(|bid| bid.id == *id).unwrap();
        let set: Vec<usize> = decision.winners.iter().map(at).collect();
        prop_assert!(feasible(&market, &set));
        prop_assert!(decision.total_score <= most);
        prop_assert!(decision.total_score.checked_add(decision.gap).unwrap() >= most);
    }

    #[test]
    fn no_loser_is_short_by_more_than_all_winners_score(plan in plan()) {
        let decision = market(&plan).decide();
        for verdict in &decision.verdicts {
            let Ruling::Lost { score, short_by, .. } = verdict.ruling else { continue };
            let needed = score.checked_add(short_by).unwrap();
            prop_assert!(needed <= decision.total_score.max(score));
        }
    }
}

//! Small markets in which everything is short and ties are common.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{Amount, IntentId, auction::fixture::*};

#[derive(Clone, Debug)]
struct IntentPlan {
    owner: u8,
    pair: (u8, u8),
    exact_out: bool,
    partial: bool,
    fundable: u128,
    /// Less can be pulled for it than its purse holds.
    short: bool,
    filled: u128,
    alone: bool,
}

#[derive(Clone, Debug)]
pub(super) struct BidPlan {
    pub(super) solver: u8,
    /// Intent and quarters of it.
    fills: Vec<(usize, u128)>,
    per_mille: u128,
    gas: u32,
    nonce: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    intents: Vec<IntentPlan>,
    pub(super) bids: Vec<BidPlan>,
    gas_budget: u64,
    max_winners: u32,
    /// Whether Z has a reference price.
    pub(super) priced: bool,
}

fn intents() -> impl Strategy<Value = Vec<IntentPlan>> {
    let pair = prop_oneof![Just((X, Y)), Just((X, Y)), Just((Y, X)), Just((X, Z)), Just((Z, Y))];
    let short = prop::bool::weighted(0.2);
    let alone = prop::bool::weighted(0.1);
    let intent = (1u8..4, pair, any::<bool>(), any::<bool>(), 2u128..6, short, 0u128..2, alone);
    let intent =
        intent.prop_map(|(owner, pair, exact_out, partial, fundable, short, filled, alone)| {
            IntentPlan {
                owner,
                pair,
                exact_out,
                partial,
                fundable: fundable * 300,
                short,
                filled: if partial { filled * 250 } else { 0 },
                alone,
            }
        });
    prop::collection::vec(intent, 1..6)
}

fn bid() -> impl Strategy<Value = BidPlan> {
    // few prices, so that ties are common and fairness seldom drops all but one
    let per_mille = prop_oneof![
        4 => Just(1_000u128), 2 => Just(1_010), 1 => Just(900), 1 => 1_000u128..1_100
    ];
    let fills = prop::collection::vec((0usize..6, 1u128..5), 1..4);
    (1u8..5, fills, per_mille, prop_oneof![Just(250_000u32), 200_000u32..400_000], 0u64..9)
        .prop_map(|(solver, fills, per_mille, gas, nonce)| BidPlan {
            solver,
            fills,
            per_mille,
            gas,
            nonce,
        })
}

pub(super) fn plan() -> impl Strategy<Value = Plan> {
    let gas_budget =
        prop_oneof![Just(16_000_000u64), 400_000u64..1_200_000, 1_500_000u64..3_000_000];
    let max_winners = prop_oneof![Just(255u32), 1u32..4];
    let bids = prop::collection::vec(bid(), 0..11);
    (intents(), bids, gas_budget, max_winners, any::<bool>()).prop_map(
        |(intents, bids, gas_budget, max_winners, priced)| Plan {
            intents,
            bids,
            gas_budget,
            max_winners,
            priced,
        },
    )
}

pub(super) fn market(plan: &Plan) -> Market {
    let mut market = Market::new();
    market.opening.params.gas_budget = plan.gas_budget;
    market.opening.params.max_winners = plan.max_winners;
    if !plan.priced {
        market.opening.prices.retain(|price| price.token != token(Z));
    }
    let mut fundable = BTreeMap::new();
    let ids: Vec<IntentId> = plan
        .intents
        .iter()
        .map(|intent| {
            let (sell, buy) = intent.pair;
            let purse = *fundable.entry((intent.owner, sell)).or_insert(intent.fundable);
            market.intent(Want {
                exact_out: intent.exact_out,
                partial: intent.partial,
                fundable: if intent.short { purse * 2 / 3 } else { purse },
                filled: intent.filled,
                alone: intent.alone,
                ..Want::swap(intent.owner, (sell, 1_000), (buy, 900))
            })
        })
        .collect();
    for bid in &plan.bids {
        let mut fills = BTreeMap::new();
        for (intent, quarters) in &bid.fills {
            let at = intent % ids.len();
            let plan = &plan.intents[at];
            let quarters = if plan.partial { *quarters } else { 4 };
            let fill = if plan.exact_out {
                let bought = 900 * quarters / 4;
                (ids[at], bought * 1_000 / bid.per_mille, bought)
            } else {
                let sold = 1_000 * quarters / 4;
                (ids[at], sold, sold * bid.per_mille / 1_000)
            };
            fills.insert(at, fill);
        }
        let fills: Vec<_> = fills.into_values().collect();
        market.bid_with(bid.solver, &fills, |terms| {
            terms.gas = bid.gas;
            terms.nonce = Amount::from(bid.nonce);
        });
    }
    market
}

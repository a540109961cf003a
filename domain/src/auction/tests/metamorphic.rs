//! What must not matter, and what must matter in proportion.

use std::collections::BTreeMap;

use alloy_primitives::{U256, keccak256};
use proptest::prelude::*;

use super::{
    super::{Decision, DropReason, Ruling, Verdict, bids_root, fixture::*},
    plan::{market, plan},
};
use crate::{Amount, BidId};

/// A decision but for how hard it was.
fn outcome(mut decision: Decision) -> Decision {
    decision.nodes = 0;
    decision.second_pass.iter_mut().for_each(|pair| pair.nodes = 0);
    decision.references.iter_mut().for_each(|reference| reference.nodes = 0);
    decision
}

fn by_bid(decision: &Decision) -> BTreeMap<BidId, Ruling> {
    decision.verdicts.iter().map(|verdict| (verdict.bid, verdict.ruling)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bid_that_does_not_win_changes_nothing_but_the_root_and_its_own_verdict(plan in plan()) {
        let with = market(&plan);
        let decision = outcome(with.decide());
        for (at, bid) in with.bids.iter().enumerate() {
            let verdict = decision.verdicts.iter().find(|verdict| verdict.bid == bid.id).unwrap();
            // a single fill is an offer, and a valid bid's nonce silences its solver's other offers:
            // those may matter without winning
            let silent = match verdict.ruling {
                Ruling::Won { .. } => false,
                Ruling::Lost { .. } | Ruling::Dropped(DropReason::Unfair { .. } | DropReason::NoRoom { .. }) => {
                    let nonce = (bid.bid.terms().solver, bid.bid.terms().nonce);
                    let same = |other: &&super::super::ReceivedBid| {
                        (other.bid.terms().solver, other.bid.terms().nonce) == nonce
                    };
                    bid.bid.fills().len() > 1 && with.bids.iter().filter(same).count() == 1
                }
                Ruling::Dropped(_) => true,
            };
            if !silent {
                continue;
            }
            let mut without = with.clone();
            without.bids.remove(at);
            let mut expected = decision.clone();
            expected.verdicts.retain(|other| other.bid != bid.id);
            // a pair that nobody else bid on is not decided at all
            let found = outcome(without.decide());
            expected.second_pass.retain(|pair| !pair.total.is_zero() || found.second_pass.contains(pair));
            prop_assert_eq!(found, expected);
            prop_assert_ne!(bids_root(&without.bids), bids_root(&with.bids));
        }
    }

    #[test]
    fn prices_scaled_by_a_power_of_two_scale_every_score(plan in plan(), bits in 1usize..60) {
        let mut market = market(&plan);
        let before = market.decide_with_references();
        for price in &mut market.opening.prices {
            price.price = Amount::new(price.price.get() << bits);
        }
        let after = market.decide_with_references();
        let scaled = |score: Amount| Amount::new(score.get() << bits);
        prop_assert_eq!(after.total_score, scaled(before.total_score));
        // the record's hash is another one, so ties may fall otherwise: scores, not winners
        let rulings = by_bid(&after);
        for Verdict { bid, ruling } in &before.verdicts {
            match (ruling, &rulings[bid]) {
                (Ruling::Dropped(before), Ruling::Dropped(after)) => {
                    prop_assert_eq!(before.code(), after.code());
                }
                (before, after) if before.token().is_none() && before.score().is_some() => {
                    prop_assert_eq!(after.score(), before.score().map(scaled));
                }
                // pairs without a price are decided in another order
                _ => {}
            }
        }
    }

    #[test]
    fn when_solvers_bid_once_each_it_does_not_matter_who_was_first(mut plan in plan(), seed in any::<u64>()) {
        for (n, bid) in (1u8..).zip(&mut plan.bids) {
            bid.solver = n;
        }
        let mut market = market(&plan);
        let before = market.decide_with_references();
        market.bids.sort_by_key(|bid| keccak256([bid.id.as_bytes(), &seed.to_be_bytes()].concat()));
        for (n, bid) in (0..).zip(&mut market.bids) {
            (bid.ms, bid.seq) = (market.opening.opened_at_ms + n / 2, n % 2);
        }
        let after = market.decide_with_references();
        prop_assert_eq!(by_bid(&before), by_bid(&after));
        prop_assert_eq!(&before.winners, &after.winners);
        prop_assert_eq!(outcome(before).references, outcome(after).references);
    }

    #[test]
    fn an_own_intent_is_worth_no_more_for_an_absurd_limit_or_price(
        sold in 1u128..1_000_000, limit in 1u128..1_000_000, bought in 1u128..10_000_000, cap_bps in 1u32..10_000,
    ) {
        let score = |limit: u128, bought: u128| {
            let mut market = Market::new();
            market.opening.params.surplus_cap_bps = cap_bps;
            let id = market.intent(Want::swap(1, (X, sold), (Y, limit)));
            let bid = market.bid(1, &[(id, sold, bought)]);
            market.check(bid).ok().map(|score| score.get())
        };
        // all prices are one: what counts lies between these
        let worst = (sold * u128::from(10_000 - cap_bps)).div_ceil(10_000);
        let best = sold * u128::from(10_000 + cap_bps) / 10_000;
        let window = U256::from(best.saturating_sub(worst));
        if let Some(found) = score(limit, bought) {
            prop_assert!(found <= window);
            prop_assert_eq!(found, score(limit.max(worst), bought).unwrap_or(U256::ZERO));
            prop_assert_eq!(Some(found), score(limit, bought.min(best.max(limit))));
        }
    }
}

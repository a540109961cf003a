//! The decision against every subset, from the rules' text and nothing of the search.

mod naive;

use alloy_primitives::keccak256;
use proptest::prelude::*;

use super::{
    super::{Deliberation, DropReason, Ruling},
    plan::{market, plan},
};
use crate::{Amount, BidId};

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_decision_is_the_best_of_all_subsets(plan in plan()) {
        let market = market(&plan);
        let decision = market.decide();
        let naive = naive::decide(&market);
        prop_assert_eq!(&decision.winners, &naive.winners);
        prop_assert_eq!((decision.total_score, decision.gap), (naive.total_score, Amount::ZERO));
        let second: Vec<_> = decision.second_pass.iter().map(|pair| {
            assert_eq!(pair.gap, Amount::ZERO);
            (pair.sell, pair.buy, pair.token, pair.total)
        }).collect();
        prop_assert_eq!(second, naive.second_pass);
    }

    #[test]
    fn who_is_unfair_or_has_no_room_is_told_from_who_lost(plan in plan()) {
        let market = market(&plan);
        let naive = naive::decide(&market);
        for verdict in &market.decide().verdicts {
            let unfair = matches!(verdict.ruling, Ruling::Dropped(DropReason::Unfair { .. }));
            let no_room = matches!(verdict.ruling, Ruling::Dropped(DropReason::NoRoom { .. }));
            let lost = matches!(verdict.ruling, Ruling::Lost { .. });
            prop_assert_eq!(unfair, naive.unfair.contains(&verdict.bid));
            prop_assert_eq!(no_room, naive.no_room.contains(&verdict.bid));
            prop_assert_eq!(lost, naive.lost.contains(&verdict.bid));
        }
    }

    #[test]
    fn a_reference_is_the_best_of_all_subsets_of_the_others(plan in plan()) {
        let market = market(&plan);
        let cut = market.cut();
        let left_out = std::collections::BTreeMap::new();
        let mut deliberation = Deliberation::new(&cut, &market.bids, &market.standings, &left_out);
        let decision = deliberation.decide();
        let references = deliberation.references(&decision);
        prop_assert!(references.is_sorted_by_key(|reference| reference.solver));
        let found: Vec<_> = references.iter().map(|found| (found.solver, found.score)).collect();
        prop_assert_eq!(found, naive::references(&market));
        prop_assert!(references.iter().all(|reference| reference.gap.is_zero()));
        // and nothing depends on what was asked before
        let mut fresh = Deliberation::new(&cut, &market.bids, &market.standings, &left_out);
        prop_assert_eq!(fresh.references(&decision), references);
        prop_assert_eq!(fresh.decide(), decision);
    }

    #[test]
    fn the_order_of_arrival_at_the_function_does_not_matter(plan in plan(), seed in any::<u64>()) {
        let mut market = market(&plan);
        let before = market.decide_with_references();
        let mut mixed: Vec<_> = market.bids.drain(..).collect();
        mixed.sort_by_key(|bid| keccak256([bid.id.as_bytes(), &seed.to_be_bytes()].concat()));
        market.bids = mixed;
        prop_assert_eq!(before, market.decide_with_references());
    }

    #[test]
    fn a_small_budget_gives_a_feasible_set_and_a_gap_that_covers_the_best(plan in plan(), budget in 0u64..4) {
        let mut market = market(&plan);
        let most = naive::decide(&market).total_score;
        let references = naive::references(&market);
        market.opening.params.node_budget = budget;
        let decision = market.decide_with_references();
        let at = |id: &BidId| market.bids.iter().position(|bid| bid.id == *id).unwrap();
        let set: Vec<usize> = decision.winners.iter().map(at).collect();
        prop_assert!(naive::feasible(&market, &set));
        prop_assert!(decision.total_score <= most);
        prop_assert!(decision.total_score.checked_add(decision.gap).unwrap() >= most);
        for found in &decision.references {
            let Some((_, best)) = references.iter().find(|(solver, _)| *solver == found.solver) else {
                continue;
            };
            prop_assert!(found.score <= *best);
            prop_assert!(found.score.checked_add(found.gap).unwrap() >= *best);
        }
    }

    #[test]
    fn no_loser_is_short_by_more_than_all_winners_score(plan in plan()) {
        let decision = market(&plan).decide();
        for verdict in &decision.verdicts {
            let Ruling::Lost { score, short_by, token } = verdict.ruling else { continue };
            let totals = decision.second_pass.iter().filter(|pair| Some(pair.token) == token);
            let total = match token {
                None => decision.total_score,
                Some(_) => totals.map(|pair| pair.total).max().unwrap(),
            };
            let needed = score.checked_add(short_by).unwrap();
            prop_assert!(needed <= total.max(score));
        }
    }
}

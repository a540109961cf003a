use super::super::{DropReason, InsightReason, PairDecision, Ruling, Scarce, fixture::*, insights};
use crate::{Amount, IntentId};

fn amount(n: u128) -> Amount {
    Amount::from(n)
}

/// X and Y are priced, Z and 9 are not.
fn unpriced() -> Market {
    let mut market = Market::new();
    market.opening.prices.retain(|price| price.token != token(Z));
    market
}

fn code(market: &Market, bid: usize) -> &'static str {
    let id = market.bids[bid].id;
    let decision = market.decide();
    let verdict = decision.verdicts.iter().find(|verdict| verdict.bid == id).unwrap();
    match verdict.ruling {
        Ruling::Won { .. } => "won",
        Ruling::Lost { .. } => "lost",
        Ruling::Dropped(reason) => reason.code(),
    }
}

#[test]
fn a_pair_without_a_price_is_decided_in_raw_atoms_and_settles_last() {
    let mut market = unpriced();
    let priced = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let raw = market.intent(Want::swap(2, (X, 1_000), (Z, 900)));
    let other = market.intent(Want::swap(3, (X, 1_000), (Z, 900)));
    let both = market.bid(1, &[(raw, 1_000, 950), (other, 1_000, 950)]);
    let less = market.bid(2, &[(raw, 1_000, 949)]);
    let first = market.bid(3, &[(priced, 1_000, 901)]);
    let decision = market.decide();
    assert_eq!(decision.winners, [first, both].map(|bid| market.bids[bid].id));
    assert_eq!((decision.total_score, decision.gap), (amount(1), Amount::ZERO));
    let (sell, buy) = (token(X), token(Z));
    let (total, gap) = (amount(100), Amount::ZERO);
    let nodes = decision.second_pass[0].nodes;
    assert_eq!(decision.second_pass, [PairDecision { sell, buy, token: buy, total, gap, nodes }]);
    let token = Some(buy);
    assert_eq!(decision.verdicts[both].ruling, Ruling::Won { score: amount(100), rank: 1, token });
    let lost = Ruling::Lost { score: amount(49), short_by: amount(51), token };
    assert_eq!(decision.verdicts[less].ruling, lost);
    assert!(market.decide_with_references().references.iter().all(|one| one.solver == solver(3)));
}

#[test]
fn what_mixes_pairs_or_kinds_without_a_price_is_dropped() {
    let mut market = unpriced();
    let priced = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let into = market.intent(Want::swap(2, (X, 1_000), (Z, 900)));
    let back = market.intent(Want::swap(3, (Z, 1_000), (X, 900)));
    let out = market.intent(Want::swap(4, (X, 1_000), (Z, 900)).exact_out());
    let mixed = [
        market.bid(1, &[(priced, 1_000, 950), (into, 1_000, 950)]),
        market.bid(2, &[(into, 1_000, 950), (back, 1_000, 950)]),
        market.bid(3, &[(into, 1_000, 1_000), (out, 900, 900)]),
    ];
    for bid in mixed {
        assert_eq!(code(&market, bid), "unpriced");
    }
    let alone = market.bid(4, &[(out, 950, 900)]);
    assert_eq!(market.winners(), [alone]);
    // surplus of an exact-out intent is in what it sells
    assert_eq!(market.decide().second_pass[0].token, token(X));
}

#[test]
fn exact_out_surplus_counts_from_no_more_than_the_owner_can_pay() {
    let mut market = unpriced();
    let want = Want::swap(1, (X, 1_000_000), (Z, 900)).exact_out().fundable(1_000);
    let id = market.intent(want);
    market.bid(1, &[(id, 960, 900)]);
    assert_eq!(market.decide().second_pass[0].total, amount(40));
}

#[test]
fn the_second_pass_has_what_the_first_left() {
    let shared = |change: &dyn Fn(&mut Market)| {
        let mut market = unpriced();
        let priced = market.intent(Want::swap(1, (X, 1_000), (Y, 900)).fundable(1_500));
        let raw = market.intent(Want::swap(1, (X, 1_000), (Z, 900)).fundable(1_500));
        market.bid(1, &[(priced, 1_000, 901)]);
        let second = market.bid(2, &[(raw, 1_000, 999)]);
        change(&mut market);
        let decision = market.decide();
        assert_eq!(decision.winners[0], market.bids[0].id);
        match decision.verdicts[second].ruling {
            Ruling::Dropped(DropReason::NoRoom { of, needed, left }) => Some((of, needed, left)),
            Ruling::Won { rank: 1, .. } => None,
            other => panic!("{other:?}"),
        }
    };
    // one purse behind both
    assert_eq!(shared(&|_| {}), Some((Scarce::Funds, amount(1_000), amount(500))));
    let rich = |market: &mut Market| {
        for entry in &mut market.opening.intents {
            entry.fundable = amount(2_000);
        }
    };
    assert_eq!(shared(&rich), None);
    let places = |market: &mut Market| {
        rich(market);
        market.opening.params.max_winners = 1;
    };
    assert_eq!(shared(&places), Some((Scarce::Places, amount(1), Amount::ZERO)));
    let gas = |market: &mut Market| {
        rich(market);
        market.opening.params.gas_budget = 400_000;
    };
    assert_eq!(shared(&gas).unwrap().0, Scarce::Gas);
    let bytes = |market: &mut Market| {
        rich(market);
        market.opening.params.byte_budget = 700;
    };
    assert_eq!(shared(&bytes).unwrap().0, Scarce::Bytes);
}

#[test]
fn a_nonce_that_won_in_the_first_pass_is_gone() {
    let mut market = unpriced();
    let priced = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let raw = market.intent(Want::swap(2, (X, 1_000), (Z, 900)));
    market.bid_with(1, &[(priced, 1_000, 901)], |terms| terms.nonce = amount(5));
    let second = market.bid_with(1, &[(raw, 1_000, 999)], |terms| terms.nonce = amount(5));
    assert_eq!(code(&market, second), "no_room");
    let insights = insights(&market.cut(), &market.bids, &market.decide());
    let of_raw = insights.iter().find(|insight| insight.intent == raw).unwrap();
    assert_eq!(of_raw.reason, InsightReason::AllDropped { codes: vec!["no_room".to_owned()] });
    let again = market.bid_with(1, &[(raw, 1_000, 901)], |terms| terms.nonce = amount(6));
    assert_eq!(code(&market, again), "won");
}

#[test]
fn groups_are_decided_in_an_order_that_the_opening_hash_gives() {
    // one place is left, and three pairs want it
    let mut market = unpriced();
    market.opening.params.max_winners = 1;
    let pairs = [(X, Z), (Z, X), (Z, Y)];
    for (n, (sell, buy)) in (1u8..).zip(pairs) {
        let id = market.intent(Want::swap(n, (sell, 1_000), (buy, 900)));
        market.bid(n, &[(id, 1_000, 950)]);
    }
    let mut firsts = std::collections::BTreeSet::new();
    for auction in 1..40 {
        market.opening.block_time_s = auction;
        let open_hash = market.cut().open_hash();
        let place = |(sell, buy): &(u8, u8)| {
            let (sell, buy) = (token(*sell), token(*buy));
            let hash = open_hash.get();
            alloy_primitives::keccak256(
                [hash.as_slice(), sell.as_slice(), buy.as_slice(), &[0]].concat(),
            )
        };
        let first = (0..3).min_by_key(|n| place(&pairs[*n])).unwrap();
        assert_eq!(market.winners(), [first]);
        firsts.insert(first);
        let decided = market.decide().second_pass;
        assert!(decided.iter().map(|pair| (pair.sell, pair.buy)).is_sorted_by_key(
            |(sell, buy)| {
                let position =
                    |address| [X, Y, Z].into_iter().find(|n| token(*n) == address).unwrap();
                place(&(position(sell), position(buy)))
            }
        ));
    }
    assert_eq!(firsts.len(), 3);
}

/// Bids of one group with surpluses of `atoms`, each on an intent of its own.
fn group(atoms: &[u128]) -> (Market, Vec<IntentId>) {
    let mut market = unpriced();
    let mut ids = Vec::new();
    for (n, surplus) in (1u8..).zip(atoms) {
        let id = market.intent(Want::swap(n, (X, 1_000), (Z, 1)));
        market.bid(n, &[(id, 1_000, 1 + surplus)]);
        ids.push(id);
    }
    (market, ids)
}

#[test]
fn surplus_of_more_than_88_bits_is_compared_without_its_lowest_bits_and_the_gap_says_so() {
    // two intents, three bids: the third excludes both others and is better by one atom
    let unit = 1u128 << 100;
    let (mut market, ids) = group(&[unit, unit]);
    let fills = [(ids[0], 1_000, 2 + unit), (ids[1], 1_000, 1 + unit)];
    let both = market.bid(3, &fills);
    market.opening.params.max_winners = 1;
    let decision = market.decide();
    assert_eq!(decision.winners, [market.bids[both].id]);
    let pair = decision.second_pass[0];
    assert_eq!(pair.total, amount(2 * unit + 1));
    // 102 bits in 88: a bid of the best set may have lost almost 2^14 atoms to the shift
    assert_eq!(pair.gap, amount((1 << 14) - 1));
    // where all fits nothing is shifted, and the gap is none
    let (market, _) = group(&[(1 << 88) - 2, 5]);
    assert_eq!(market.decide().second_pass[0].gap, Amount::ZERO);
}

#[test]
fn fairness_holds_in_the_second_pass_too() {
    let mut market = unpriced();
    let a = market.intent(Want::swap(1, (X, 1_000), (Z, 900)));
    let own = market.intent(Want::swap(2, (X, 1_000), (Z, 1)));
    // an own intent at an absurd limit makes the solver's bid worth 999 + 50; it pays `a` 950 for it
    let dealer = market.bid(1, &[(a, 1_000, 950), (own, 1_000, 950)]);
    assert_eq!(market.winners(), [dealer]);
    let honest = market.bid(2, &[(a, 1_000, 960)]);
    assert_eq!(market.winners(), [honest]);
    assert_eq!(code(&market, dealer), "unfair");
}

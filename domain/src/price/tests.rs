//! Median, quorum, bound and age; and the pair's arithmetic against one that never wraps.

use alloy_primitives::{B256, U256};
use proptest::prelude::*;

use super::*;
use crate::{Amount, event::BlockRef};

const MOMENT: Moment = Moment { now_ms: 1_790_000_000_000, block_time_s: 1_789_999_990 };
const OPEN: Rule = Rule { quorum: 1, max_spread_bps: u32::MAX, max_move_bps: 0 };

fn amount(atoms: u64) -> Amount {
    Amount::from(atoms)
}

fn standing(price: Amount) -> Option<Answer> {
    Some(Answer { price, dated: Dated::Standing, read_ms_ago: 0, max_age_ms: 0 })
}

fn dated(dated: Dated, read_ms_ago: u64) -> Option<Answer> {
    Some(Answer { price: amount(100), dated, read_ms_ago, max_age_ms: 30_000 })
}

fn price_of(prices: &[u64], last: Option<u64>, rule: Rule) -> Option<u64> {
    let answers: Vec<_> = prices.iter().map(|price| standing(amount(*price))).collect();
    let found = find(&answers, last.map(amount), rule, MOMENT).price;
    found.map(|price| u64::try_from(price.get()).unwrap())
}

fn opinion(answer: Option<Answer>) -> Opinion {
    find(&[answer], None, OPEN, MOMENT).opinions[0]
}

#[test]
fn the_median_is_the_middle_answer_and_of_two_in_the_middle_the_lower() {
    assert_eq!(price_of(&[], None, OPEN), None);
    assert_eq!(price_of(&[7], None, OPEN), Some(7));
    assert_eq!(price_of(&[9, 7], None, OPEN), Some(7));
    assert_eq!(price_of(&[9, 1, 7], None, OPEN), Some(7));
    assert_eq!(price_of(&[9, 1, 7, 8], None, OPEN), Some(7));
}

#[test]
fn an_answer_goes_stale_by_its_own_date_and_by_when_it_was_read() {
    let at = |ms| Dated::At(MOMENT.now_ms - ms);
    assert_eq!(opinion(dated(at(30_000), 30_000)), Opinion::Agrees);
    let stale = |age_ms| Opinion::Unusable(Unusable::Stale { age_ms });
    assert_eq!(opinion(dated(at(30_001), 0)), stale(30_001));
    assert_eq!(opinion(dated(at(0), 30_001)), stale(30_001));
    let block = |s| Dated::Block(MOMENT.block_time_s - s);
    assert_eq!(opinion(dated(block(30), 0)), Opinion::Agrees);
    assert_eq!(opinion(dated(block(31), 0)), stale(31_000));
    // the node went on after the auction's block was looked at
    assert_eq!(opinion(dated(Dated::Block(MOMENT.block_time_s + 60), 0)), Opinion::Agrees);
    assert_eq!(opinion(dated(Dated::Standing, u64::MAX)), Opinion::Agrees);
}

#[test]
fn an_answer_from_the_future_would_never_go_stale_and_is_left_out() {
    assert_eq!(opinion(dated(Dated::At(MOMENT.now_ms + 5_000), 0)), Opinion::Agrees);
    let early = Opinion::Unusable(Unusable::Early { by_ms: 5_001 });
    assert_eq!(opinion(dated(Dated::At(MOMENT.now_ms + 5_001), 0)), early);
    let never = opinion(dated(Dated::At(u64::MAX), 0));
    assert_eq!(never, Opinion::Unusable(Unusable::Early { by_ms: u64::MAX - MOMENT.now_ms }));
}

#[test]
fn prices_that_no_score_can_be_counted_in_are_left_out() {
    let out = Opinion::Unusable(Unusable::OutOfRange);
    assert_eq!(opinion(standing(Amount::ZERO)), out);
    assert_eq!(opinion(standing(Amount::new(U256::ONE << 192))), out);
    assert_eq!(opinion(standing(Amount::new((U256::ONE << 192) - U256::ONE))), Opinion::Agrees);
    assert_eq!(opinion(None), Opinion::Unusable(Unusable::Absent));
}

#[test]
fn what_is_left_out_counts_neither_for_the_median_nor_for_the_quorum() {
    let rule = Rule { quorum: 2, ..OPEN };
    let late = dated(Dated::At(0), 0);
    let found = find(&[late, standing(amount(5)), None], None, rule, MOMENT);
    assert_eq!((found.price, found.median), (None, Some(amount(5))));
    let found = find(&[late, standing(amount(5)), standing(amount(6))], None, rule, MOMENT);
    assert_eq!(found.price, Some(amount(5)));
}

#[test]
fn two_sources_that_disagree_wildly_leave_the_token_unpriced_and_a_third_decides() {
    let rule = Rule { quorum: 2, max_spread_bps: 1_000, max_move_bps: 0 };
    assert_eq!(price_of(&[1_000, 1_100], None, rule), Some(1_000));
    assert_eq!(price_of(&[1_000, 1_101], None, rule), None);
    assert_eq!(price_of(&[1_000, 9_999, 1_010], None, rule), Some(1_010));
    assert_eq!(price_of(&[1_000, 1, 1_010], None, rule), Some(1_000));
}

#[test]
fn a_move_is_cut_off_at_the_bound_and_a_new_token_has_none() {
    let rule = Rule { max_move_bps: 100, ..OPEN };
    assert_eq!(price_of(&[5_000], None, rule), Some(5_000));
    assert_eq!(price_of(&[10_100], Some(10_000), rule), Some(10_100));
    assert_eq!(price_of(&[50_000], Some(10_000), rule), Some(10_100));
    assert_eq!(price_of(&[1], Some(10_000), rule), Some(9_900));
    // a bound of less than an atom would hold a small price for ever
    assert_eq!(price_of(&[50], Some(3), rule), Some(4));
    assert_eq!(price_of(&[1], Some(3), rule), Some(2));
    assert_eq!(price_of(&[50], Some(3), OPEN), Some(50));
    let last = Some(Amount::MAX);
    let found = find(&[standing(amount(7))], last, rule, MOMENT);
    assert_eq!(found.price, Some(amount(7)), "a price out of range bounds nothing");
    assert!(!found.held_back());
}

/// Everything an answer can be: most are usable.
fn answers() -> impl Strategy<Value = Vec<Option<Answer>>> {
    let dated = prop_oneof![
        Just(Dated::Standing),
        (0_u64..40_000).prop_map(|ago| Dated::At(MOMENT.now_ms - ago)),
        (0_u64..40).prop_map(|ago| Dated::Block(MOMENT.block_time_s - ago)),
    ];
    let answer =
        (1_u64..1_000_000, dated, 0_u64..40_000).prop_map(|(price, dated, read_ms_ago)| Answer {
            price: amount(price),
            dated,
            read_ms_ago,
            max_age_ms: 30_000,
        });
    prop::collection::vec(prop::option::weighted(0.9, answer), 0..8)
}

fn rules() -> impl Strategy<Value = Rule> {
    let spread = prop_oneof![Just(u32::MAX), 0_u32..20_000];
    (0_u32..5, spread, 0_u32..3_000).prop_map(|(quorum, max_spread_bps, max_move_bps)| Rule {
        quorum,
        max_spread_bps,
        max_move_bps,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_price_does_not_depend_on_the_order_of_the_answers(
        answers in answers(),
        last in prop::option::of(1_u64..1_000_000),
        rule in rules(),
        by in 0_usize..8,
    ) {
        let mut turned = answers.clone();
        turned.reverse();
        let by = by % turned.len().max(1);
        turned.rotate_left(by);
        let last = last.map(amount);
        let (one, other) = (find(&answers, last, rule, MOMENT), find(&turned, last, rule, MOMENT));
        prop_assert_eq!((one.price, one.median), (other.price, other.median));
        prop_assert_eq!(one.opinions.len(), answers.len());
    }

    #[test]
    fn the_median_was_said_by_somebody_and_half_of_them_said_no_less(
        answers in answers(),
        rule in rules(),
    ) {
        let found = find(&answers, None, rule, MOMENT);
        let usable: Vec<Amount> =
            answers.iter().flatten().filter_map(|a| a.usable(MOMENT).ok()).collect();
        prop_assert_eq!(found.median.is_some(), !usable.is_empty());
        if let Some(median) = found.median {
            prop_assert!(usable.contains(&median));
            prop_assert!(usable.iter().filter(|price| **price <= median).count() * 2 >= usable.len());
            prop_assert!(usable.iter().filter(|price| **price >= median).count() * 2 >= usable.len());
        }
    }

    #[test]
    fn a_minority_of_liars_cannot_leave_the_span_of_the_honest(
        honest in prop::collection::vec(900_u64..1_100, 2..5),
        lies in prop::collection::vec(1_u64..1_000_000, 1..4),
    ) {
        let lies = &lies[..lies.len().min(honest.len() - 1)];
        let all: Vec<u64> = honest.iter().chain(lies).copied().collect();
        let price = price_of(&all, None, OPEN).unwrap();
        prop_assert!(honest.iter().min().unwrap() <= &price && &price <= honest.iter().max().unwrap());
    }

    #[test]
    fn a_price_never_moves_further_than_the_bound_and_never_past_the_median(
        answers in answers(),
        last in 1_u64..1_000_000,
        rule in rules(),
    ) {
        let found = find(&answers, Some(amount(last)), rule, MOMENT);
        let (Some(price), Some(median)) = (found.price, found.median) else { return Ok(()) };
        if rule.max_move_bps == 0 {
            prop_assert_eq!(price, median);
            return Ok(());
        }
        let last = amount(last);
        let moved = price.saturating_sub(last).max(last.saturating_sub(price));
        let most = last.get() * U256::from(rule.max_move_bps) / U256::from(10_000);
        prop_assert!(moved.get() <= most.max(U256::ONE));
        prop_assert!(price >= last.min(median) && price <= last.max(median));
        prop_assert_eq!(found.held_back(), price != median);
    }

    #[test]
    fn an_honest_jump_is_reached_step_by_step(from in 1_u64..100_000, to in 1_u64..100_000) {
        let rule = Rule { max_move_bps: 1_000, ..OPEN };
        let mut last = from;
        for _ in 0..130 {
            last = price_of(&[to], Some(last), rule).unwrap();
        }
        prop_assert_eq!(last, to);
    }
}

/// A pair that counts in 512 bits and never wraps.
#[derive(Clone, Copy)]
struct Pair {
    reserves: (u128, u128),
    touched_s: u64,
    sum: alloy_primitives::U512,
    offset: U256,
}

impl Pair {
    fn touch(&mut self, now_s: u64, reserves: (u128, u128)) {
        let price: U256 = (U256::from(self.reserves.1) << 112) / U256::from(self.reserves.0);
        self.sum += price.widening_mul::<256, 4, 512, 8>(U256::from(now_s - self.touched_s));
        (self.touched_s, self.reserves) = (now_s, reserves);
    }

    /// What the contract would have stored, its sum having begun at `offset`.
    fn state(&self) -> PairState {
        let low = U256::from_limbs_slice(&self.sum.as_limbs()[..4]);
        PairState {
            reserve: U256::from(self.reserves.0),
            quote_reserve: U256::from(self.reserves.1),
            cumulative: self.offset.wrapping_add(low),
            touched_s: self.touched_s as u32,
        }
    }

    fn observe(&self, now_s: u64) -> Observation {
        let block = BlockRef { number: now_s, hash: B256::ZERO };
        self.state().observe(block, now_s).unwrap()
    }
}

fn reserve() -> impl Strategy<Value = u128> {
    prop_oneof![1_u128..1_000, 1_u128..(1 << 112), ((1_u128 << 112) - 5)..(1 << 112)]
}

proptest! {
    #[test]
    fn an_average_is_exact_although_the_sum_and_the_clock_wrap(
        steps in prop::collection::vec((1_u64..2_000, (reserve(), reserve())), 1..20),
        // the sum wraps within a few steps, and the clock may in any of them
        below in 0_u64..1_000_000,
        begun_s in (u64::from(u32::MAX) - 20_000)..(u64::from(u32::MAX) + 100),
        quote in 1_u64..u64::MAX,
        idle in 1_u64..2_000,
    ) {
        let first = steps[0].1;
        let offset = U256::MAX - U256::from(below);
        let sum = alloy_primitives::U512::ZERO;
        let mut pair = Pair { reserves: first, touched_s: begun_s, sum, offset };
        let earlier = pair.observe(begun_s);
        let mut now_s = begun_s;
        for (step, reserves) in steps {
            now_s += step;
            pair.touch(now_s, reserves);
        }
        // nobody has touched it for a while: the observation brings the sum forward
        let later = pair.observe(now_s + idle);
        pair.touch(now_s + idle, (1, 1));
        let average = later.average_since(&earlier).unwrap();
        prop_assert_eq!(average.elapsed_s(), now_s + idle - begun_s);
        let quote = amount(quote);
        // the whole sum fits 256 bits here: reserves of 112 bits for at most 40,000 s
        let sum = U256::checked_from_limbs_slice(pair.sum.as_limbs()).unwrap();
        let expected = Amount::new(sum)
            .mul_div_floor(quote.get(), U256::from(average.elapsed_s()) << 112);
        prop_assert_eq!(average.times(quote), expected);
    }

    #[test]
    fn a_constant_price_is_its_own_average_rounded_down(
        reserves in (1_u128..(1 << 96), 1_u128..(1 << 96)),
        elapsed in 1_u64..100_000,
        quote in 1_u64..u64::MAX,
    ) {
        let sum = alloy_primitives::U512::ZERO;
        let pair = Pair { reserves, touched_s: 7, sum, offset: U256::MAX };
        let average = pair.observe(7 + elapsed).average_since(&pair.observe(7)).unwrap();
        let price = average.times(amount(quote)).unwrap();
        let exact = amount(quote)
            .mul_div_floor(U256::from(reserves.1), U256::from(reserves.0))
            .unwrap();
        // the pair itself rounds each price down to 2^-112
        prop_assert!(price <= exact);
        let lost = exact.saturating_sub(price);
        prop_assert!(lost <= Amount::from(1_u64));
    }
}

#[test]
fn what_is_done_to_a_pair_and_undone_in_one_block_has_no_weight() {
    let sum = alloy_primitives::U512::ZERO;
    let mut pair = Pair { reserves: (1_000, 5_000), touched_s: 0, sum, offset: U256::ZERO };
    let earlier = pair.observe(0);
    pair.touch(900, (10, 500_000));
    let manipulated = pair.observe(900);
    assert_eq!(manipulated.average_since(&earlier).unwrap().times(amount(1)), Some(amount(5)));
    pair.touch(900, (1_000, 5_000));
    let later = pair.observe(1_800);
    assert_eq!(later.average_since(&earlier).unwrap().times(amount(1)), Some(amount(5)));
}

#[test]
fn what_is_left_standing_weighs_as_long_as_it_stands() {
    let sum = alloy_primitives::U512::ZERO;
    let mut pair = Pair { reserves: (1_000, 5_000), touched_s: 0, sum, offset: U256::ZERO };
    let earlier = pair.observe(0);
    pair.touch(1_788, (1_000, 50_000));
    let later = pair.observe(1_800);
    // (5 * 1788 + 50 * 12) / 1800 = 5.3
    assert_eq!(later.average_since(&earlier).unwrap().times(amount(1_000)), Some(amount(5_300)));
}

#[test]
fn an_empty_pair_has_no_price_and_an_average_needs_time() {
    let state = PairState {
        reserve: U256::ZERO,
        quote_reserve: U256::from(5),
        cumulative: U256::ZERO,
        touched_s: 0,
    };
    let block = BlockRef { number: 1, hash: B256::ZERO };
    assert_eq!(state.observe(block, 9), None);
    let state = PairState { reserve: U256::from(1), ..state };
    let (now, then) = (state.observe(block, 9).unwrap(), state.observe(block, 8).unwrap());
    assert_eq!(now.average_since(&now), None);
    assert_eq!(then.average_since(&now), None);
    assert!(now.average_since(&then).is_some());
    let ages = Observation { time_s: now.time_s + (1 << 32), ..now };
    assert_eq!(ages.average_since(&now), None);
    assert_eq!(now.average_since(&then).unwrap().times(Amount::MAX), None);
}

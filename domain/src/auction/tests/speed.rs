use std::time::{Duration, Instant};

use super::super::{Decision, fixture::*};
use crate::{Amount, IntentId};

/// A repeatable stream of numbers (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u128) -> u128 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(z ^ (z >> 31)) % end
    }

    /// Small numbers are likelier, as in a market where most trade few pairs.
    fn skewed(&mut self, end: u128) -> u128 {
        self.below(end).min(self.below(end)).min(self.below(end))
    }
}

/// Intents of six directed pairs, bids of one to four intents each at about the market's price.
pub(super) fn market(seed: u64, intents: usize, bids: usize, most: u128) -> Market {
    let mut numbers = Numbers(seed);
    let mut market = Market::new();
    market.opening.params.surplus_cap_bps = 500;
    market.opening.params.node_budget = 2_000;
    let pairs = [(X, Y), (Y, X), (X, Z), (Z, X), (Y, Z), (Z, Y)];
    let ids: Vec<(usize, IntentId, u128)> = (0..intents)
        .map(|n| {
            let pair = numbers.skewed(6) as usize;
            let (sell, buy) = pairs[pair];
            let amount = (1 + numbers.below(1_000)) * UNIT;
            let least = amount * (950 + numbers.below(40)) / 1_000;
            let want = Want::swap((n % 120) as u8 + 1, (sell, amount), (buy, least));
            let want = Want { fundable: u128::MAX >> 1, ..want };
            (pair, market.intent(if n % 4 == 0 { want.partial() } else { want }), amount)
        })
        .collect();
    for n in 0..bids {
        let per_mille = [0; 6].map(|_: i32| 990 + numbers.below(25));
        let mut fills = std::collections::BTreeMap::new();
        for _ in 0..=numbers.below(most) {
            let (pair, id, amount) = ids[numbers.skewed(intents as u128) as usize];
            fills.insert(id, (id, amount, amount * per_mille[pair] / 1_000));
        }
        let fills: Vec<_> = fills.into_values().collect();
        market.bid((n % 20) as u8 + 1, &fills);
        if let Some(bid) = market.bids.pop() {
            let legs = bid.bid.legs().to_vec();
            market.bid_legs((n % 20) as u8 + 1, legs, |terms| terms.gas = 200_000);
        }
    }
    market
}

fn timed(market: &Market) -> (Decision, Duration) {
    let cut = market.cut();
    let start = Instant::now();
    let decision = super::super::decide(&cut, &market.bids, &market.standings);
    (decision, start.elapsed())
}

#[test]
fn two_hundred_intents_and_a_hundred_bids_are_decided_exactly_and_at_once() {
    let mut slowest = Duration::ZERO;
    for seed in 0..8 {
        let (decision, took) = timed(&market(seed, 200, 100, 4));
        assert_eq!(decision.gap, Amount::ZERO, "seed {seed}: {} nodes", decision.nodes);
        assert!(decision.winners.len() > 10);
        slowest = slowest.max(took);
    }
    // the machine is shared by other tests; the point is that it is not seconds
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

#[test]
fn many_bids_on_few_intents_stay_within_the_node_budget() {
    for seed in 0..4 {
        let (decision, _) = timed(&market(seed, 60, 100, 9));
        assert!(decision.nodes <= 2_000);
        let share =
            decision.gap.mul_div_floor(1_000u64.try_into().unwrap(), decision.total_score.get());
        assert!(share.unwrap() < Amount::from(50u64));
    }
}

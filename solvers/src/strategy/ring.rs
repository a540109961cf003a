//! Matches intents with each other, without any inventory: two or three in a ring, or many around
//! one that takes parts.
//!
//! Member i gives to member i-1 and gets from member i+1, so a ring of n costs n transfers. All
//! members trade at reference prices where their limits and sizes allow it; else the amounts are
//! bent as little as the limits ask. No directed pair occurs twice in a ring, so there is one price
//! for each. Around a hub all trade at one price.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use domain::{
    Amount,
    bid::{End, Leg},
    intent::Pair,
};

use super::{Candidate, Market, Plan, choose};

mod hub;
mod solve;

/// Of one directed pair, how many intents are tried in rings of two: the most generous ones.
const PER_PAIR_IN_TWO: usize = 32;
/// The same for rings of three.
const PER_PAIR_IN_THREE: usize = 6;
/// How many rings are tried in one auction, so that a full market costs milliseconds.
const MAX_TRIES: usize = 50_000;

/// The best rings of a market, at most `limit`. Every plan keeps every rule that depends on what the
/// auction announced.
#[must_use]
pub fn plan(market: &Market, limit: usize) -> Vec<Plan> {
    let sides = sides(market);
    let mut tries = 0;
    let mut plans = Vec::new();
    let mut attempt = |members: &[&Candidate]| {
        tries += 1;
        plans.extend(solve::solve(market, members).map(|gives| ring(market, members, &gives)));
        tries < MAX_TRIES
    };
    let _ = twos(&sides, &mut attempt) && threes(&sides, &mut attempt);
    plans.extend(hub::plans(market, &sides));
    choose(plans, limit)
}

type Sides<'a> = BTreeMap<Pair, Vec<&'a Candidate>>;

/// Intents by directed pair, the most generous limit first. Tokens without a price are left out, and so
/// are intents that may only be filled alone: they could be matched with their own owner's at most.
fn sides(market: &Market) -> Sides<'_> {
    let mut sides = Sides::new();
    for candidate in market.candidates.iter().filter(|candidate| !candidate.alone) {
        let pair = candidate.intent.pair();
        if market.price(pair.sell).is_some() && market.price(pair.buy).is_some() {
            sides.entry(pair).or_default().push(candidate);
        }
    }
    for side in sides.values_mut() {
        // a asks less per unit sold than b: buy_a / sell_a < buy_b / sell_b
        side.sort_by(|a, b| {
            let (a, b) = (&a.intent, &b.intent);
            a.buy_amount().cmp_products(b.sell_amount(), b.buy_amount(), a.sell_amount())
        });
    }
    sides
}

fn twos<'a>(sides: &Sides<'a>, attempt: &mut impl FnMut(&[&'a Candidate]) -> bool) -> bool {
    for (pair, there) in sides.iter().filter(|(pair, _)| pair.sell < pair.buy) {
        let Some(back) = sides.get(&Pair { sell: pair.buy, buy: pair.sell }) else { continue };
        for a in there.iter().take(PER_PAIR_IN_TWO) {
            for b in back.iter().take(PER_PAIR_IN_TWO) {
                if !attempt(&[a, b]) {
                    return false;
                }
            }
        }
    }
    true
}

fn threes<'a>(sides: &Sides<'a>, attempt: &mut impl FnMut(&[&'a Candidate]) -> bool) -> bool {
    let tokens: BTreeSet<Address> = sides.keys().map(|pair| pair.buy).collect();
    for (first, heads) in sides {
        // each ring is found once: it starts at its smallest token
        for third in
            tokens.iter().filter(|t| **t > first.sell && first.buy > first.sell && **t != first.buy)
        {
            let second = sides.get(&Pair { sell: first.buy, buy: *third });
            let closing = sides.get(&Pair { sell: *third, buy: first.sell });
            let (Some(second), Some(closing)) = (second, closing) else { continue };
            for a in heads.iter().take(PER_PAIR_IN_THREE) {
                for b in second.iter().take(PER_PAIR_IN_THREE) {
                    for c in closing.iter().take(PER_PAIR_IN_THREE) {
                        if !attempt(&[a, b, c]) {
                            return false;
                        }
                    }
                }
            }
        }
    }
    true
}

/// `members[i]` buys what `members[i + 1]` sells and gives `gives[i]`.
fn ring(market: &Market, members: &[&Candidate], gives: &[Amount]) -> Plan {
    let count = members.len();
    let legs = (0..count).map(|i| {
        let taker = members[(i + count - 1) % count];
        Leg { from: End::Intent(members[i].id), to: End::Intent(taker.id), amount: gives[i] }
    });
    let surplus = solve::total_surplus(market, members, gives);
    let mut intents: Vec<_> = members.iter().map(|member| member.id).collect();
    intents.sort_unstable();
    Plan { legs: legs.collect(), intents, surplus, pays: BTreeMap::new() }
}

#[cfg(test)]
mod tests;

//! Fills intents from a filler's balance, at reference prices less a spread.
//!
//! Every fill of a directed pair has the pair's price, rounded for the filler by less than an atom.

use std::{cmp::Reverse, collections::BTreeMap};

use alloy_primitives::Address;
use domain::{
    Amount, IntentId,
    bid::{End, Leg, MAX_INTENTS, MAX_LEGS},
    intent::Pair,
};

use super::{
    Candidate, Market, Plan,
    fill::{self, Price, Size},
};

/// Intents in one bid: a failing owner fails the bid, and gas is bounded.
const MAX_PER_BID: usize = 24;
const _: () = assert!(MAX_PER_BID <= MAX_INTENTS && 2 * MAX_PER_BID <= MAX_LEGS);

/// What each pair is filled at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What the filler keeps of the reference price, in basis points, below 10000.
    pub spread_bps: u32,
    /// The most plans for one auction.
    pub limit: usize,
}

/// Plans within `funds`, the tokens the filler can pay: one for each pair with every intent that
/// takes its price, but for those that may only be filled alone, which have one each; and each of a
/// pair's intents alone as an alternative, so that an auction can take some of them where others are
/// filled better elsewhere. All plans could win at once
/// without overdrawing `funds`.
#[must_use]
pub fn plan(market: &Market, funds: &BTreeMap<Address, Amount>, terms: Terms) -> Vec<Plan> {
    let mut purses = Purses { filler: funds.clone(), owners: BTreeMap::new() };
    let mut pairs = BTreeMap::<(Pair, Option<IntentId>), Vec<Fill<'_>>>::new();
    for offer in best_first(market, terms.spread_bps) {
        if let Some(filled) = offer.size(market, &mut purses) {
            let Candidate { id, alone, .. } = filled.candidate;
            let batch = (filled.candidate.pair(), alone.then_some(*id));
            pairs.entry(batch).or_default().push(filled);
        }
    }
    let batches: Vec<&[Fill<'_>]> =
        pairs.values().flat_map(|fills| fills.chunks(MAX_PER_BID)).collect();
    let alone = batches.iter().filter(|batch| batch.len() > 1);
    let alone = alone.flat_map(|batch| batch.chunks(1));
    let mut plans: Vec<Plan> = batches.iter().map(|batch| bid(batch)).collect();
    plans.sort_by_key(|plan| Reverse(plan.surplus));
    let mut alternatives: Vec<Plan> = alone.map(bid).collect();
    alternatives.sort_by_key(|plan| Reverse(plan.surplus));
    plans.extend(alternatives);
    plans.truncate(terms.limit);
    plans
}

/// An intent that would take its pair's price.
struct Offer<'a> {
    candidate: &'a Candidate,
    price: Price,
    surplus: Amount,
}

struct Fill<'a> {
    candidate: &'a Candidate,
    size: Size,
    surplus: Amount,
}

/// What is left to pay with: intents of one owner may stand behind one balance.
struct Purses {
    filler: BTreeMap<Address, Amount>,
    owners: BTreeMap<(Address, Address), Amount>,
}

/// The intents whose limit allows their pair's price, the largest surplus first: balances go
/// where they bring most.
fn best_first(market: &Market, spread_bps: u32) -> Vec<Offer<'_>> {
    let offer = |candidate| {
        let price = Price::of(market, Candidate::pair(candidate), spread_bps)?;
        let size = fill::at(candidate, price, candidate.left)?;
        let surplus = market.surplus(candidate, size.sold, size.bought);
        Some(Offer { candidate, price, surplus })
    };
    let mut offers: Vec<_> = market.candidates.iter().filter_map(offer).collect();
    offers.sort_by_key(|offer| (Reverse(offer.surplus), offer.candidate.id));
    offers
}

impl<'a> Offer<'a> {
    /// As much of it as owner and filler can pay; takes that from their purses.
    fn size(&self, market: &Market, purses: &mut Purses) -> Option<Fill<'a>> {
        let Self { candidate, price, .. } = *self;
        let pair = candidate.pair();
        let filler = purses.filler.get_mut(&pair.buy)?;
        let owner = purses.owners.entry((candidate.intent.owner(), pair.sell));
        // every intent of a purse was read at one block, so the first one seen tells its content
        let owner = owner.or_insert(candidate.fundable);
        let payable = candidate.fundable.min(*owner);
        let size = fill::largest(candidate, price, payable, *filler)?;
        *owner = owner.saturating_sub(size.sold);
        *filler = filler.saturating_sub(size.bought);
        let surplus = market.surplus(candidate, size.sold, size.bought);
        Some(Fill { candidate, size, surplus })
    }
}

fn bid(fills: &[Fill<'_>]) -> Plan {
    let mut plan = Plan {
        legs: Vec::new(),
        intents: Vec::new(),
        surplus: Amount::ZERO,
        pays: BTreeMap::new(),
    };
    for fill in fills {
        let intent = End::Intent(fill.candidate.id);
        plan.legs.push(Leg { from: intent, to: End::Filler, amount: fill.size.sold });
        plan.legs.push(Leg { from: End::Filler, to: intent, amount: fill.size.bought });
        plan.intents.push(fill.candidate.id);
        plan.surplus = plan.surplus.checked_add(fill.surplus).unwrap_or(Amount::MAX);
        let pays = plan.pays.entry(fill.candidate.pair().buy).or_default();
        *pays = pays.checked_add(fill.size.bought).unwrap_or(Amount::MAX);
    }
    plan.intents.sort_unstable();
    plan
}

#[cfg(test)]
mod tests;

//! Fills intents from a filler's balance, at reference prices less a spread.
//!
//! Every fill of a directed pair has the pair's price, rounded for the filler by less than an atom.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use domain::{
    Amount,
    bid::{End, Leg},
    intent::{Kind, Pair},
};

use super::{Candidate, Market, Plan};

/// One in basis points.
const BPS: u32 = 10_000;
/// Intents in one bid: a failing owner fails the bid, and gas is bounded.
const MAX_PER_BID: usize = 24;

/// What each pair is filled at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What the filler keeps of the reference price, in basis points, below 10000.
    pub spread_bps: u32,
    /// The most plans for one auction.
    pub limit: usize,
}

/// Plans within `funds`, the tokens the filler can pay: one for each pair with every intent that
/// takes its price, and each of those intents alone as an alternative, so that an auction can
/// take some of them where others are filled better elsewhere. All plans could win at once
/// without overdrawing `funds`.
#[must_use]
pub fn plan(market: &Market, funds: &BTreeMap<Address, Amount>, terms: Terms) -> Vec<Plan> {
    let mut purses = Purses { filler: funds.clone(), owners: BTreeMap::new() };
    let mut pairs = BTreeMap::<Pair, Vec<Fill<'_>>>::new();
    for offer in best_first(market, terms.spread_bps) {
        if let Some(fill) = offer.size(market, &mut purses) {
            pairs.entry(fill.candidate.intent.pair()).or_default().push(fill);
        }
    }
    let batches: Vec<&[Fill<'_>]> =
        pairs.values().flat_map(|fills| fills.chunks(MAX_PER_BID)).collect();
    let alone = batches.iter().filter(|batch| batch.len() > 1);
    let alone = alone.flat_map(|batch| batch.chunks(1));
    let mut plans: Vec<Plan> = batches.iter().map(|batch| bid(batch)).collect();
    plans.sort_by(|a, b| b.surplus.cmp(&a.surplus));
    let mut alternatives: Vec<Plan> = alone.map(bid).collect();
    alternatives.sort_by(|a, b| b.surplus.cmp(&a.surplus));
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

/// What the filler pays per atom it gets.
#[derive(Clone, Copy)]
struct Price {
    numerator: U256,
    denominator: U256,
}

struct Fill<'a> {
    candidate: &'a Candidate,
    sold: Amount,
    bought: Amount,
    surplus: Amount,
}

/// What is left to pay with: intents of one owner may stand behind one balance.
struct Purses {
    filler: BTreeMap<Address, Amount>,
    owners: BTreeMap<(Address, Address), Amount>,
}

impl Price {
    fn of(market: &Market, pair: Pair, spread_bps: u32) -> Option<Self> {
        let kept = BPS.checked_sub(spread_bps).filter(|kept| *kept > 0)?;
        // prices have at most 192 bits
        let numerator = market.price(pair.sell)? * U256::from(kept);
        let denominator = market.price(pair.buy)? * U256::from(BPS);
        Some(Self { numerator, denominator })
    }

    /// What is paid for `sold`.
    fn paid(self, sold: Amount) -> Option<Amount> {
        sold.mul_div_floor(self.numerator, self.denominator)
    }

    /// What is asked for `bought`.
    fn asked(self, bought: Amount) -> Option<Amount> {
        bought.mul_div_ceil(self.denominator, self.numerator)
    }

    /// The most that can be taken in for at most `bought`.
    fn affordable(self, bought: Amount) -> Amount {
        bought.mul_div_floor(self.denominator, self.numerator).unwrap_or(Amount::MAX)
    }
}

/// The intents whose limit allows their pair's price, the largest surplus first: balances go
/// where they bring most.
fn best_first(market: &Market, spread_bps: u32) -> Vec<Offer<'_>> {
    let offer = |candidate| {
        let price = Price::of(market, Candidate::pair(candidate), spread_bps)?;
        let (sold, bought) = fill_at(candidate, price, candidate.left)?;
        let surplus = market.surplus(candidate, sold, bought);
        Some(Offer { candidate, price, surplus })
    };
    let mut offers: Vec<_> = market.candidates.iter().filter_map(offer).collect();
    offers.sort_by(|a, b| {
        b.surplus.cmp(&a.surplus).then_with(|| a.candidate.id.cmp(&b.candidate.id))
    });
    offers
}

/// Sold and bought when `exact` of the exact side is filled; `None` if the limit forbids it.
fn fill_at(candidate: &Candidate, price: Price, exact: Amount) -> Option<(Amount, Amount)> {
    let (sold, bought) = match candidate.intent.kind() {
        Kind::ExactIn => (exact, price.paid(exact)?),
        Kind::ExactOut => (price.asked(exact)?, exact),
    };
    let moves = !sold.is_zero() && !bought.is_zero();
    (moves && candidate.allows(sold, bought)).then_some((sold, bought))
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
        let exact = match candidate.intent.kind() {
            Kind::ExactIn => payable.min(price.affordable(*filler)),
            Kind::ExactOut => price.paid(payable).unwrap_or(Amount::MAX).min(*filler),
        };
        let exact = exact.min(candidate.left);
        if exact < candidate.least() {
            return None;
        }
        let (sold, bought) = fill_at(candidate, price, exact)?;
        *owner = owner.checked_sub(sold)?;
        *filler = filler.checked_sub(bought)?;
        let surplus = market.surplus(candidate, sold, bought);
        Some(Fill { candidate, sold, bought, surplus })
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
        plan.legs.push(Leg { from: intent, to: End::Filler, amount: fill.sold });
        plan.legs.push(Leg { from: End::Filler, to: intent, amount: fill.bought });
        plan.intents.push(fill.candidate.id);
        plan.surplus = plan.surplus.checked_add(fill.surplus).unwrap_or(Amount::MAX);
        let pays = plan.pays.entry(fill.candidate.pair().buy).or_default();
        *pays = pays.checked_add(fill.bought).unwrap_or(Amount::MAX);
    }
    plan.intents.sort_unstable();
    plan
}

#[cfg(test)]
mod tests;

//! Fairness per intent (design A3): a bid may not give an intent a worse price than somebody offers
//! it alone.
//!
//! **The rule.** A bid is dropped if it fills an intent at a worse price than a valid bid that fills
//! this intent and nothing else, and at least as much of its exact side. Worse is what loses an atom:
//! the better price for the very amount of the fill, rounded down for an exact-in fill and up for an
//! exact-out one, must still give more. A price that is worse by rounding alone drops nobody.
//!
//! **One pass is enough.** The rule applies again after every drop, because a dropped bid speaks
//! against nobody. Say `S` drops `B` at an intent, and `T` drops `S`. `S` fills only this intent, so
//! it was dropped here: `T` fills this intent alone, at least as much of it as `S` does, and at a
//! strictly better price (rounding is monotonic, so what loses an atom is the worse fraction). So `T`
//! covers `B`'s amount too, and `B`'s amount at `T`'s price gives no less than at `S`'s: `T` drops
//! `B`. Amounts are finite, so above every bid that drops somebody stands one that nobody drops.
//! Hence a bid goes if and only if the best price among *all* single bids of at least its amount is
//! better, in whatever order bids are dropped. That is one look at a Pareto front per fill.
//!
//! It is about validity: a single bid counts whether or not it wins in the end. A bid that is left
//! out (it failed its simulation, say) is not valid, and whom it alone spoke against comes back.
//!
//! **Offers that are none.** Whoever can speak against a bid without ever having to settle can drop
//! its rivals' bids for nothing. So a single bid speaks only if it could well be taken: no other
//! valid bid of its solver is signed with its nonce, which would settle in its place, and it takes at
//! most an eighth of a batch's gas and bytes, far more than one fill needs, but not so much that no
//! good batch has room for it. Both are known before anything is dropped, so the above holds among
//! those that speak. What remains is a solver that drops bids by an intent of its own, well paid:
//! it gains nothing by that on the intents of others, which are free to be bid on without this one.

use std::collections::HashMap;

use super::field::{Candidate, Field};
use crate::{
    Amount,
    auction::{
        DropReason,
        check::{Entry, Lines, ceil, floor},
    },
    bid::Fill,
    intent::Kind,
};

/// The share of a batch's gas and bytes that a bid may take at most to speak against others.
const SHARE: u64 = 8;

/// A bid that fills one intent alone.
#[derive(Clone, Copy, Debug)]
struct Offer {
    candidate: u32,
    solver: u32,
    amount: Amount,
    fill: Fill,
}

/// Who is unfair to whom.
#[derive(Debug)]
pub(super) struct Fairness {
    /// By intent: every offer, in order of preference.
    offers: Vec<Vec<Offer>>,
    /// By intent: those with a better price than all that fill as much; amounts descend, prices ascend.
    fronts: Vec<Vec<Offer>>,
    /// By intent: the candidates that touch it.
    touching: Vec<Vec<u32>>,
    /// By candidate: how many of its fills have a better offer.
    unfair: Vec<u32>,
}

impl Fairness {
    pub(super) fn of(field: &Field<'_>) -> Self {
        let intents = field.rules.table.entries().len();
        let speaks = Speakers::of(field);
        let mut offers = vec![Vec::new(); intents];
        let mut touching = vec![Vec::new(); intents];
        for (number, candidate) in (0u32..).zip(&field.candidates) {
            let lines = field.lines(candidate);
            for (intent, entry, fill) in lines.iter() {
                touching[intent as usize].push(number);
                if lines.iter().len() == 1 && speaks.contain(candidate) {
                    let (amount, solver) = (entry.exact_side(fill), candidate.solver);
                    let offer = Offer { candidate: number, solver, amount, fill: *fill };
                    offers[intent as usize].push(offer);
                }
            }
        }
        let fronts: Vec<Vec<Offer>> =
            offers.iter().map(|offers| front(offers.iter().copied())).collect();
        let count = |candidate| {
            let lines: Lines<'_> = field.lines(candidate);
            let better = |(intent, entry, fill): &(u32, &Entry<'_>, &Fill)| {
                better(&fronts[*intent as usize], entry, fill).is_some()
            };
            lines.iter().filter(better).count() as u32
        };
        let unfair = field.candidates.iter().map(count).collect();
        Self { offers, fronts, touching, unfair }
    }

    /// Whether a candidate may win.
    pub(super) fn is_fair(&self, candidate: usize) -> bool {
        self.unfair[candidate] == 0
    }

    /// Why a candidate may not: at the first of its intents where somebody offers more.
    pub(super) fn reason(
        &self,
        field: &Field<'_>,
        candidate: &Candidate<'_>,
    ) -> Option<DropReason> {
        let mut lines = field.lines(candidate).iter();
        let (offer, fill) = lines.find_map(|(intent, entry, fill)| {
            Some((better(&self.fronts[intent as usize], entry, fill)?, fill))
        })?;
        Some(DropReason::Unfair {
            intent: fill.intent,
            by: field.candidates[offer.candidate as usize].received.id,
            sold: fill.sold,
            bought: fill.bought,
            better_sold: offer.fill.sold,
            better_bought: offer.fill.bought,
        })
    }

    /// Who may win in an auction that `solver` has not bid in. Only intents on whose front it
    /// stands are looked at again.
    pub(super) fn without(&self, field: &Field<'_>, solver: u32) -> Vec<bool> {
        let mut unfair = self.unfair.clone();
        for (intent, known) in self.fronts.iter().enumerate() {
            if known.iter().all(|offer| offer.solver != solver) {
                continue;
            }
            let others = self.offers[intent].iter().filter(|offer| offer.solver != solver);
            let others = front(others.copied());
            let entry = field.rules.table.entry(intent as u32);
            for candidate in &self.touching[intent] {
                let bid = &field.candidates[*candidate as usize].received.bid;
                let Some(fill) = bid.fill_of(entry.id) else { continue };
                // with fewer offers there is never more to complain of
                if better(known, entry, fill).is_some() && better(&others, entry, fill).is_none() {
                    unfair[*candidate as usize] -= 1;
                }
            }
        }
        let fair =
            |(candidate, unfair): (&Candidate<'_>, u32)| unfair == 0 && candidate.solver != solver;
        field.candidates.iter().zip(unfair).map(fair).collect()
    }
}

/// Whose bids speak against others.
struct Speakers<'f> {
    field: &'f Field<'f>,
    /// How many candidates are signed with a solver's nonce.
    nonces: HashMap<(u32, Amount), u32>,
}

impl<'f> Speakers<'f> {
    fn of(field: &'f Field<'_>) -> Self {
        let mut nonces = HashMap::with_capacity(field.candidates.len());
        for candidate in &field.candidates {
            *nonces.entry(candidate.nonce()).or_default() += 1;
        }
        Self { field, nonces }
    }

    fn contain(&self, candidate: &Candidate<'_>) -> bool {
        let (load, params) = (candidate.judged.load, self.field.rules.params);
        load.gas <= params.gas_budget / SHARE
            && load.bytes <= params.byte_budget / SHARE
            && self.nonces.get(&candidate.nonce()) == Some(&1)
    }
}

/// The offers that are the best for some amount. Of equal ones the largest stays, and of those the
/// preferred one.
fn front(offers: impl Iterator<Item = Offer>) -> Vec<Offer> {
    let mut offers: Vec<Offer> = offers.collect();
    // stable: offers come in order of preference
    offers.sort_by(|a, b| b.amount.cmp(&a.amount).then_with(|| compare(&b.fill, &a.fill)));
    offers.dedup_by(|next, last| compare(&next.fill, &last.fill).is_le());
    offers
}

/// The best offer for at least as much, if the fill is worse.
fn better<'f>(front: &'f [Offer], entry: &Entry<'_>, fill: &Fill) -> Option<&'f Offer> {
    let amount = entry.exact_side(fill);
    let covering = front.partition_point(|offer| offer.amount >= amount);
    let best = front.get(..covering)?.last()?;
    if compare(fill, &best.fill).is_ge() {
        return None;
    }
    let Fill { sold, bought, .. } = best.fill;
    let worse = match entry.intent.kind() {
        Kind::ExactIn => fill.bought < floor(fill.sold, bought.get(), sold.get()),
        Kind::ExactOut => fill.sold > ceil(fill.bought, sold.get(), bought.get()),
    };
    worse.then_some(best)
}

/// By price, the worse one first.
fn compare(a: &Fill, b: &Fill) -> std::cmp::Ordering {
    a.bought.cmp_products(b.sold, b.bought, a.sold)
}

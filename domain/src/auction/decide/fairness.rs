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
//! better, in whatever order bids are dropped. That is one look at a Pareto front per fill. The front
//! also knows the best price of anybody but the best one's solver: so it is known at once who comes
//! back if a solver had not bid (A6), and who stays out whoever had not.
//!
//! It is about validity: a single bid counts whether or not it wins in the end. A bid that is left
//! out (it failed its simulation, say) is not valid, and whom it alone spoke against comes back.
//!
//! **Offers that are none.** Whoever can speak against a bid without ever having to settle can drop
//! its rivals' bids for nothing. So a single bid speaks only if it could well be taken: no other
//! valid bid of its solver is signed with its nonce, which would settle in its place, and it is not
//! of a larger size than the bid that it speaks against. Sizes are steps of a batch's gas and bytes:
//! up to a 32nd of both, which is what one fill may well take, up to a 16th, up to an eighth; what
//! is larger speaks against nobody. So an absurd price for more gas than anybody would spend on it
//! keeps no ordinary bid from the intent; whoever speaks takes at most a 32nd of a batch, or twice
//! what the other takes. Sizes are ordered, so `T` above is no larger than `B` either; and they and
//! nonces are known before anything is dropped. So the above holds among those that speak, and each
//! size has a front of its own.
//!
//! What remains: a single bid of ordinary size that keeps every rule, and yet loses. Its score is
//! capped, and may be less than what else its intent or its share of the batch could bring; it
//! drops others at its intent all the same, and nothing is filled there. Whoever does that offers
//! the intent more than anybody else and must settle if nothing better is left; others can still
//! bid on the rest of what they bid on without this intent. The same is open to a solver with an
//! intent of its own, well paid.

use std::collections::HashMap;

use super::field::{Candidate, Field};
use crate::{
    Amount,
    auction::{
        DropReason,
        check::{Entry, ceil, floor},
    },
    bid::Fill,
    intent::Kind,
};

/// The sizes of bids, ascending: so many of them fill a batch's gas or bytes. One that is larger
/// speaks against nobody, and all speak against it.
const SIZES: [u64; 3] = [32, 16, 8];

/// A bid that fills one intent alone.
#[derive(Clone, Copy, Debug)]
struct Offer {
    candidate: u32,
    solver: u32,
    size: usize,
    amount: Amount,
    fill: Fill,
}

/// Who is unfair to whom.
#[derive(Debug)]
pub(super) struct Fairness {
    /// By intent.
    fronts: Vec<Fronts>,
    /// By candidate.
    standing: Vec<Standing>,
}

/// What becomes of a candidate by what others offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Fair,
    /// Unfair by the offers of this solver alone.
    UnfairTo(u32),
    Unfair,
}

impl Fairness {
    pub(super) fn of(field: &Field<'_>) -> Self {
        let speaks = Speakers::of(field);
        let mut offers = vec![Vec::new(); field.rules.table.entries().len()];
        for (number, candidate) in (0u32..).zip(&field.candidates) {
            let mut lines = field.lines(candidate).iter();
            if let (Some((intent, entry, fill)), 0) = (lines.next(), lines.len())
                && let Some(size) = speaks.size(candidate)
            {
                let (amount, solver) = (entry.exact_side(fill), candidate.solver);
                let offer = Offer { candidate: number, solver, size, amount, fill: *fill };
                offers[intent as usize].push(offer);
            }
        }
        let fronts: Vec<Fronts> = offers.iter().map(|offers| Fronts::of(offers)).collect();
        let standing = |candidate| standing(&fronts, field, candidate);
        let standing = field.candidates.iter().map(standing).collect();
        Self { fronts, standing }
    }

    /// Whether a candidate may win.
    pub(super) fn is_fair(&self, candidate: usize) -> bool {
        self.standing[candidate] == Standing::Fair
    }

    /// Whether a candidate may win in an auction that `solver` has not bid in.
    pub(super) fn is_fair_without(&self, field: &Field<'_>, solver: u32, candidate: usize) -> bool {
        let fair = match self.standing[candidate] {
            Standing::Fair => true,
            Standing::UnfairTo(other) => other == solver,
            Standing::Unfair => false,
        };
        fair && field.candidates[candidate].solver != solver
    }

    /// Whether a candidate may win whoever is left out.
    pub(super) fn is_ever_fair(&self, candidate: usize) -> bool {
        self.standing[candidate] != Standing::Unfair
    }

    /// Why a candidate may not: at the first of its intents where somebody offers more.
    pub(super) fn reason(
        &self,
        field: &Field<'_>,
        candidate: &Candidate<'_>,
    ) -> Option<DropReason> {
        let mut lines = field.lines(candidate).iter();
        let size = size(field, candidate);
        let (offer, fill) = lines.find_map(|(intent, entry, fill)| {
            let best = self.fronts[intent as usize].covering(size, entry, fill)?.best;
            best.drops(entry, fill).then_some((best, fill))
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
}

fn standing(fronts: &[Fronts], field: &Field<'_>, candidate: &Candidate<'_>) -> Standing {
    let mut standing = Standing::Fair;
    let size = size(field, candidate);
    for (intent, entry, fill) in field.lines(candidate).iter() {
        let step = fronts[intent as usize].covering(size, entry, fill);
        let Some(Step { best, other, .. }) = step else {
            continue;
        };
        if !best.drops(entry, fill) {
            continue;
        }
        let by_others = other.is_some_and(|other| other.drops(entry, fill));
        if by_others || matches!(standing, Standing::UnfairTo(solver) if solver != best.solver) {
            return Standing::Unfair;
        }
        standing = Standing::UnfairTo(best.solver);
    }
    standing
}

/// A bid's place in [`SIZES`], if it has one.
fn size(field: &Field<'_>, candidate: &Candidate<'_>) -> Option<usize> {
    let (load, params) = (candidate.judged.load, field.rules.params);
    SIZES.iter().position(|parts| {
        load.gas <= params.gas_budget / parts && load.bytes <= params.byte_budget / parts
    })
}

/// The best prices offered to an intent alone by bids up to each size; where no bid has that size,
/// the next smaller one says it.
#[derive(Debug)]
struct Fronts([Option<Front>; SIZES.len()]);

impl Fronts {
    fn of(offers: &[Offer]) -> Self {
        let front = |size: usize| {
            let is_new = offers.iter().any(|offer| offer.size == size);
            let heard = || offers.iter().filter(|offer| offer.size <= size).copied().collect();
            is_new.then(|| Front::of(heard()))
        };
        Self(std::array::from_fn(front))
    }

    /// What is best among the offers for at least as much as this fill, by bids that are not larger
    /// than its bid.
    fn covering(&self, size: Option<usize>, entry: &Entry<'_>, fill: &Fill) -> Option<&Step> {
        let heard = size.map_or(SIZES.len(), |size| size + 1);
        self.0.iter().take(heard).rev().flatten().next()?.covering(entry, fill)
    }
}

/// The best prices offered to an intent alone, by how much of it they are for.
#[derive(Debug)]
struct Front(Vec<Step>);

/// What is best for amounts up to this one.
#[derive(Clone, Copy, Debug)]
struct Step {
    amount: Amount,
    best: Offer,
    /// The best of anybody but the best one's solver.
    other: Option<Offer>,
}

impl Front {
    /// Of equal prices the one for the largest amount stands first, and of those the preferred one.
    fn of(mut offers: Vec<Offer>) -> Self {
        // stable: offers come in order of preference
        offers.sort_by(|a, b| b.amount.cmp(&a.amount).then_with(|| compare(&b.fill, &a.fill)));
        let mut steps: Vec<Step> = Vec::new();
        for offer in offers {
            let better = |than: &Offer| compare(&offer.fill, &than.fill).is_gt();
            let amount = offer.amount;
            let step = match steps.last() {
                None => Step { amount, best: offer, other: None },
                Some(last) if better(&last.best) => {
                    let second = (last.best.solver != offer.solver).then_some(last.best);
                    Step { amount, best: offer, other: second.or(last.other) }
                }
                Some(last) if last.best.solver == offer.solver => continue,
                Some(last) if last.other.as_ref().is_none_or(better) => {
                    Step { amount, best: last.best, other: Some(offer) }
                }
                Some(_) => continue,
            };
            steps.push(step);
        }
        Self(steps)
    }

    /// What is best among the offers for at least as much as this fill.
    fn covering(&self, entry: &Entry<'_>, fill: &Fill) -> Option<&Step> {
        let amount = entry.exact_side(fill);
        let covering = self.0.partition_point(|step| step.amount >= amount);
        self.0.get(..covering)?.last()
    }
}

impl Offer {
    /// Whether a fill of at most as much is worse for its intent.
    fn drops(&self, entry: &Entry<'_>, fill: &Fill) -> bool {
        if compare(fill, &self.fill).is_ge() {
            return false;
        }
        let Fill { sold, bought, .. } = self.fill;
        match entry.intent.kind() {
            Kind::ExactIn => fill.bought < floor(fill.sold, bought.get(), sold.get()),
            Kind::ExactOut => fill.sold > ceil(fill.bought, sold.get(), bought.get()),
        }
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

    /// The size of a bid that speaks against others.
    fn size(&self, candidate: &Candidate<'_>) -> Option<usize> {
        let alone = self.nonces.get(&candidate.nonce()) == Some(&1);
        size(self.field, candidate).filter(|_| alone)
    }
}

/// By price, the worse one first.
fn compare(a: &Fill, b: &Fill) -> std::cmp::Ordering {
    a.bought.cmp_products(b.sold, b.bought, a.sold)
}

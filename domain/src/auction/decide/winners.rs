//! Valid bids as a packing problem (design A4): which limits they share.

use alloy_primitives::U256;

use super::{
    field::{Candidate, Field},
    room::Room,
};
use crate::{Amount, auction::pack::RowSpec, intent::Kind};

/// Fills of a set of bids stay below 2^16: at most 255 bids of at most 254 intents.
pub(super) const FILL_BITS: u32 = 16;

/// Sets are compared by score, then by fills: one number says both. `score` has at most 88 bits.
pub(super) fn weight(score: u128, candidate: &Candidate<'_>) -> i128 {
    ((score << FILL_BITS) | candidate.received.bid.fills().len() as u128) as i128
}

/// The score in a sum of weights.
pub(super) fn score_of(weight: i128) -> u128 {
    (weight >> FILL_BITS).unsigned_abs()
}

/// What the candidates numbered in `items` share, with what `room` has left of it. Each of them
/// fits by itself. In the rows items are numbered as they stand in `items`.
pub(super) fn rows(field: &Field<'_>, items: &[usize], room: &Room) -> Vec<RowSpec> {
    let mut rows = Shared::of(field, items).rows(field, room);
    let loads = || items.iter().map(|number| field.candidates[*number].judged.load);
    let whole = |capacity: u64, amounts: &mut dyn Iterator<Item = u64>| RowSpec {
        capacity: U256::from(capacity),
        uses: amounts.map(U256::from).enumerate().collect(),
        global: true,
    };
    rows.push(whole(room.gas, &mut loads().map(|load| load.gas)));
    rows.push(whole(room.bytes, &mut loads().map(|load| load.bytes)));
    rows.push(whole(room.places, &mut loads().map(|_| 1)));
    rows
}

/// What each item takes of intents, purses and nonces, by their numbers.
struct Shared {
    /// Item and solver, taken of the exact side, sold.
    intents: Vec<Vec<(usize, u32, Amount, Amount)>>,
    purses: Vec<Vec<(usize, Amount)>>,
    nonces: Vec<(u32, Amount, usize)>,
}

impl Shared {
    fn of(field: &Field<'_>, items: &[usize]) -> Self {
        let table = &field.rules.table;
        let mut intents = vec![Vec::new(); table.entries().len()];
        let mut purses = vec![Vec::new(); table.purses().len()];
        let mut nonces = Vec::with_capacity(items.len());
        for (item, number) in items.iter().enumerate() {
            let candidate = &field.candidates[*number];
            let lines = field.lines(candidate);
            for (intent, entry, fill) in lines.iter() {
                let use_of = (item, candidate.solver, entry.exact_side(fill), fill.sold);
                intents[intent as usize].push(use_of);
            }
            for (purse, sold) in lines.payments() {
                purses[purse as usize].push((item, sold.unwrap_or(Amount::MAX)));
            }
            nonces.push((candidate.solver, candidate.received.bid.terms().nonce, item));
        }
        nonces.sort_unstable();
        Self { intents, purses, nonces }
    }

    /// Only what can bind, and is not said by another row already. First those that hold one item:
    /// who stands in the way of another is known there, and what it frees elsewhere counts.
    fn rows(mut self, field: &Field<'_>, room: &Room) -> Vec<RowSpec> {
        let table = &field.rules.table;
        let (mut rows, mut shared) = (Vec::new(), Vec::new());
        let mut covered = vec![false; self.purses.len()];
        for (entry, uses) in table.entries().iter().zip(&mut self.intents) {
            let exact_in = entry.intent.kind() == Kind::ExactIn;
            let purse = room.purse(entry.purse);
            // one exact-in intent alone behind a purse: what is left of it says the same
            let alone = table.purse(entry.purse).intents == 1;
            covered[entry.purse as usize] = alone && exact_in && entry.left <= purse;
            if uses.len() < 2 {
                continue;
            }
            let amounts = uses.iter().map(|(item, _, amount, _)| (*item, amount.get()));
            let left = RowSpec::of(entry.left, amounts.collect());
            if entry.fundable < purse && !(exact_in && entry.left <= entry.fundable) {
                let sold = uses.iter().map(|(item, _, _, sold)| (*item, sold.get()));
                shared.push(RowSpec::of(entry.fundable, sold.collect()));
            }
            // two fills of an indivisible intent exclude each other, whoever's they are
            if !entry.intent.partially_fillable() {
                rows.push(left);
            } else {
                shared.push(left);
                uses.sort_unstable_by_key(|(item, solver, ..)| (*solver, *item));
                for same in uses.chunk_by(|a, b| a.1 == b.1).filter(|same| same.len() > 1) {
                    rows.push(RowSpec::one_of(same.iter().map(|(item, ..)| *item)));
                }
            }
        }
        for ((number, uses), covered) in (0..).zip(self.purses).zip(covered) {
            if uses.len() > 1 && !covered {
                let sold = uses.into_iter().map(|(item, sold)| (item, sold.get()));
                shared.push(RowSpec::of(room.purse(number), sold.collect()));
            }
        }
        let same = |a: &(u32, Amount, usize), b: &(u32, Amount, usize)| (a.0, a.1) == (b.0, b.1);
        for bids in self.nonces.chunk_by(same).filter(|bids| bids.len() > 1) {
            rows.push(RowSpec::one_of(bids.iter().map(|(.., item)| *item)));
        }
        rows.append(&mut shared);
        rows
    }
}

impl RowSpec {
    fn of(capacity: Amount, uses: Vec<(usize, U256)>) -> Self {
        Self { capacity: capacity.get(), uses, global: false }
    }

    /// At most one of these.
    fn one_of(items: impl Iterator<Item = usize>) -> Self {
        Self {
            capacity: U256::ONE,
            uses: items.map(|item| (item, U256::ONE)).collect(),
            global: false,
        }
    }
}

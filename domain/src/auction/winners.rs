//! Valid bids as a packing problem (design A4): which limits they share.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};

use super::{
    Params,
    check::{Purse, Rules, exact_side},
    pack::{Problem, RowSpec},
};
use crate::{Amount, Bid, IntentId};

/// Fills of a set of bids stay below 2^16: at most 255 bids of at most 254 intents.
const FILL_BITS: u32 = 16;

/// A bid that keeps the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) bid: &'a Bid,
    pub(super) score: u128,
}

impl Candidate<'_> {
    /// Sets are compared by score, then by fills: one number says both.
    fn weight(&self) -> i128 {
        ((self.score << FILL_BITS) | self.bid.fills().len() as u128) as i128
    }
}

/// The score in a sum of weights.
pub(super) fn score_of(weight: i128) -> Amount {
    Amount::from((weight >> FILL_BITS).unsigned_abs())
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RowKey {
    /// What is left to fill of an intent's exact side.
    Left(IntentId),
    /// What can be pulled for an intent.
    Fundable(IntentId),
    /// What can be pulled from a purse.
    Purse(Purse),
    /// Bids of one solver that share an intent exclude each other.
    Alternatives(Address, IntentId),
    /// A solver's nonce settles one bid.
    Nonce(Address, Amount),
}

/// The problem whose best sets are the auction's, items numbered as the candidates stand.
pub(super) fn problem(rules: &Rules<'_>, params: &Params, candidates: &[Candidate<'_>]) -> Problem {
    let mut rows = BTreeMap::<RowKey, RowSpec>::new();
    let mut add = |key: RowKey, capacity: U256, item: usize, amount: U256| {
        let row = rows.entry(key);
        let row = row.or_insert_with(|| RowSpec { capacity, uses: Vec::new(), global: false });
        row.uses.push((item, amount));
    };
    for (item, Candidate { bid, .. }) in candidates.iter().enumerate() {
        let terms = bid.terms();
        for fill in bid.fills() {
            let Ok((intent, entry)) = rules.intent(fill.intent) else { continue };
            let left = intent.exact_amount().saturating_sub(entry.filled);
            let amount = exact_side(intent, fill);
            add(RowKey::Left(fill.intent), left.get(), item, amount.get());
            add(RowKey::Fundable(fill.intent), entry.fundable.get(), item, fill.sold.get());
            add(RowKey::Alternatives(terms.solver, fill.intent), U256::ONE, item, U256::ONE);
        }
        for (purse, sold) in rules.payments(bid) {
            let capacity = rules.purse(&purse);
            let sold = sold.unwrap_or(capacity);
            add(RowKey::Purse(purse), capacity.get(), item, sold.get());
        }
        add(RowKey::Nonce(terms.solver, terms.nonce), U256::ONE, item, U256::ONE);
    }
    let loads: Vec<_> = candidates.iter().map(|candidate| rules.load(candidate.bid)).collect();
    let whole = |capacity: u64, amounts: Vec<u64>| RowSpec {
        capacity: U256::from(capacity),
        uses: amounts.into_iter().map(U256::from).enumerate().collect(),
        global: true,
    };
    let mut specs: Vec<RowSpec> = rows.into_values().collect();
    specs.push(whole(params.gas_budget, loads.iter().map(|load| load.gas).collect()));
    specs.push(whole(params.byte_budget, loads.iter().map(|load| load.bytes).collect()));
    specs.push(whole(u64::from(params.max_winners), vec![1; loads.len()]));
    Problem::new(candidates.iter().map(Candidate::weight).collect(), specs)
}

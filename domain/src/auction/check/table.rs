//! The cut as the rules look at it: intents, purses and pairs numbered in ascending order, each
//! with what is asked of it again and again. Ten thousand bids look an intent up once per fill.

use alloy_primitives::{Address, U256};

use super::{
    load::fill_bytes,
    score::{Limit, Prices, Scale},
};
use crate::{
    Amount, Intent, IntentId,
    auction::{Cut, params::BPS},
    bid::Fill,
    intent::{Kind, Pair},
};

/// An auction's intents.
#[derive(Debug)]
pub(in crate::auction) struct Table<'a> {
    ids: Vec<IntentId>,
    /// Where the ids of each prefix of `prefix_bits` begin.
    starts: Vec<u32>,
    prefix_bits: u32,
    entries: Vec<Entry<'a>>,
    purses: Vec<Purse>,
    pairs: Vec<PairEntry>,
    /// Numéraire atoms per 10^18 wei, if that is known.
    pub(in crate::auction) native: Option<U256>,
}

/// One intent of an auction.
#[derive(Debug)]
pub(in crate::auction) struct Entry<'a> {
    pub(in crate::auction) intent: &'a Intent,
    pub(in crate::auction) limit: Limit,
    /// What its owner could pay for it.
    pub(in crate::auction) fundable: Amount,
    /// Whether no intent of another owner may be filled with it.
    pub(in crate::auction) alone: bool,
    /// The exact side: all of it, what is left to fill, and the least part to be filled.
    pub(in crate::auction) whole: Amount,
    pub(in crate::auction) left: Amount,
    pub(in crate::auction) least: Amount,
    pub(in crate::auction) purse: u32,
    pub(in crate::auction) pair: u32,
    /// What a fill of it takes of a batch's bytes.
    pub(in crate::auction) bytes: u64,
}

/// What an owner can pay in one token: many intents may stand behind one balance.
#[derive(Debug)]
pub(in crate::auction) struct Purse {
    pub(in crate::auction) owner: Address,
    pub(in crate::auction) token: Address,
    pub(in crate::auction) capacity: Amount,
    /// How many intents it is behind.
    pub(in crate::auction) intents: u32,
}

/// A directed pair, with its reference prices or the token that has none.
#[derive(Debug)]
pub(in crate::auction) struct PairEntry {
    pub(in crate::auction) scale: Result<Scale, Address>,
    /// The sell token's reference price, if it has one.
    pub(in crate::auction) sell: Option<U256>,
}

impl<'a> Table<'a> {
    pub(in crate::auction) fn of(cut: &'a Cut) -> Self {
        let prices = Prices::of(cut.opening());
        let intents = || cut.intents().values();
        let mut pairs: Vec<Pair> = intents().map(Intent::pair).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut owned: Vec<(Address, Address)> = intents().map(purse_of).collect();
        owned.sort_unstable();
        owned.dedup();
        let purse = |(owner, token)| Purse { owner, token, capacity: Amount::ZERO, intents: 0 };
        let mut purses: Vec<Purse> = owned.iter().copied().map(purse).collect();

        let mut ids = Vec::with_capacity(cut.intents().len());
        let mut entries = Vec::with_capacity(cut.intents().len());
        // a cut's entries and intents are the same ones in the same order
        for (state, (id, intent)) in cut.opening().intents.iter().zip(cut.intents()) {
            let number = owned.binary_search(&purse_of(intent)).unwrap_or_default();
            if let Some(purse) = purses.get_mut(number) {
                // all intents of a purse were read at one block: they agree, or one of them cannot
                // be filled at all and reads as zero
                purse.capacity = purse.capacity.max(state.fundable);
                purse.intents += 1;
            }
            let whole = intent.exact_amount();
            let share = Amount::from(u64::from(cut.params().min_fill_bps));
            let least = whole.mul_div_ceil(share.get(), Amount::from(u64::from(BPS)).get());
            ids.push(*id);
            entries.push(Entry {
                intent,
                limit: Limit::of(intent),
                fundable: state.fundable,
                alone: state.alone,
                whole,
                left: whole.saturating_sub(state.filled),
                least: least.unwrap_or(whole),
                purse: number as u32,
                pair: pairs.binary_search(&intent.pair()).unwrap_or_default() as u32,
                bytes: fill_bytes(intent),
            });
        }
        let scaled =
            |pair: Pair| PairEntry { scale: prices.scale(pair), sell: prices.of_token(pair.sell) };
        let pairs = pairs.into_iter().map(scaled).collect();
        let prefix_bits = ids.len().max(1).ilog2();
        let starts = starts(&ids, prefix_bits);
        let native = cut.params().native(|token| prices.of_token(token));
        Self { ids, starts, prefix_bits, entries, purses, pairs, native }
    }

    /// The number of an intent. Digests are spread evenly, so what shares a prefix is about one
    /// intent; whoever makes many share one costs everybody a longer binary search.
    pub(in crate::auction) fn find(&self, id: IntentId) -> Option<u32> {
        let at = prefix(&id, self.prefix_bits);
        let from = *self.starts.get(at)? as usize;
        let to = *self.starts.get(at + 1)? as usize;
        let at = self.ids.get(from..to)?.binary_search(&id).ok()?;
        Some((from + at) as u32)
    }

    pub(in crate::auction) fn entry(&self, number: u32) -> &Entry<'a> {
        &self.entries[number as usize]
    }

    pub(in crate::auction) fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    pub(in crate::auction) fn purse(&self, number: u32) -> &Purse {
        &self.purses[number as usize]
    }

    pub(in crate::auction) fn purses(&self) -> &[Purse] {
        &self.purses
    }

    pub(in crate::auction) fn pair(&self, number: u32) -> &PairEntry {
        &self.pairs[number as usize]
    }
}

impl Entry<'_> {
    /// How much of the exact side a fill takes.
    pub(in crate::auction) const fn exact_side(&self, fill: &Fill) -> Amount {
        match self.intent.kind() {
            Kind::ExactIn => fill.sold,
            Kind::ExactOut => fill.bought,
        }
    }
}

fn purse_of(intent: &Intent) -> (Address, Address) {
    (intent.owner(), intent.pair().sell)
}

fn prefix(id: &IntentId, bits: u32) -> usize {
    let head = id.get().0.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
    head.checked_shr(64 - bits).unwrap_or(0) as usize
}

fn starts(ids: &[IntentId], bits: u32) -> Vec<u32> {
    let mut starts = vec![0; (1 << bits) + 1];
    for id in ids {
        starts[prefix(id, bits) + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    starts
}

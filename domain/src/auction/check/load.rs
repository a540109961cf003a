//! What a bid takes of the batch it is settled in: gas, bytes and a place.

use super::table::Entry;
use crate::{Amount, Bid, Intent};

/// A bid's share of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auction) struct Load {
    pub(in crate::auction) gas: u64,
    pub(in crate::auction) bytes: u64,
}

impl Load {
    /// `entries` are those of the bid's fills.
    pub(in crate::auction) fn of<'a>(
        bid: &Bid,
        entries: impl Iterator<Item = &'a Entry<'a>> + Clone,
    ) -> Self {
        let bytes = section_bytes(bid, entries);
        // signed gas is all that a bid costs its batch; its frame gets its part out of 63/64 of what
        // is there
        let signed = u64::from(bid.terms().gas);
        Self { gas: signed + signed.div_ceil(63), bytes }
    }
}

/// The length of a bid's section of the batch, with owners' signatures in their short form.
/// Longer ones, of owners that are contracts, are not part of the record: whoever packs the
/// winners bounds them, and the byte budget leaves them that room.
fn section_bytes<'a>(bid: &Bid, entries: impl Iterator<Item = &'a Entry<'a>> + Clone) -> u64 {
    let terms = bid.terms();
    let head = 20 + 20 + 4 + 4 + 16 + 4 + uint(terms.nonce) + 32 + 32 + 64;
    let fills: u64 = entries.clone().map(|entry| entry.bytes).sum();
    let tokens = match bid.fills() {
        [_] => 2,
        _ => {
            let pairs = entries.map(|entry| entry.intent.pair());
            let mut tokens: Vec<_> = pairs.flat_map(|pair| [pair.sell, pair.buy]).collect();
            tokens.sort_unstable();
            tokens.dedup();
            tokens.len()
        }
    };
    let legs: usize = bid.legs().iter().map(|leg| 2 + uint(leg.amount)).sum();
    let shares = if terms.penalty == 0 { 0 } else { 2 * bid.fills().len() };
    fills + (head + shares + 1 + 20 * tokens + 1 + 2 + 3 + bid.callback().len() + legs) as u64
}

/// What each fill of an intent adds to it.
pub(in crate::auction) fn fill_bytes(intent: &Intent) -> u64 {
    let amounts = uint(intent.sell_amount()) + uint(intent.buy_amount());
    let nonce = uint(Amount::new(intent.nonce()));
    let receiver = if intent.signed_receiver().is_zero() { 0 } else { 20 };
    let app_data = if intent.app_data().is_zero() { 0 } else { 32 };
    (1 + 20 + 2 + 4 + 64 + amounts + nonce + receiver + app_data) as u64
}

fn uint(value: Amount) -> usize {
    1 + value.get().byte_len()
}

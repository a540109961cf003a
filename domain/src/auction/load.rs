//! What a bid takes of the batch it is settled in: gas, bytes and a place.

use std::collections::BTreeMap;

use super::Params;
use crate::{Amount, Bid, Intent, IntentId};

/// What the contract's outer frame spends on reading one leg, beside its bytes: measured at 1,030
/// with bids of 2 and of 550 legs. Signed gas does not cover it, because it is spent before the
/// bid's own frame; uncounted, a few bids of many legs would leave the last frame too little, and
/// the whole reveal would revert.
const GAS_PER_LEG: u64 = 1_100;

/// A bid's share of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) gas: u64,
    pub(super) bytes: u64,
}

impl Load {
    pub(super) fn of(bid: &Bid, bytes: u64, params: &Params) -> Self {
        let signed = u64::from(bid.terms().gas);
        // a frame is given its signed gas out of 63/64 of what is there
        let frame = signed + signed.div_ceil(63);
        let data = params.gas_per_byte.saturating_mul(bytes);
        let legs = GAS_PER_LEG.saturating_mul(bid.legs().len() as u64);
        let reading = params.gas_per_bid.saturating_add(data).saturating_add(legs);
        Self { gas: frame.saturating_add(reading), bytes }
    }
}

/// The length of a bid's section of the batch, with owners' signatures in their short form.
/// Longer ones, of owners that are contracts, are not part of the record: whoever packs the
/// winners bounds them, and the byte budget leaves them that room.
pub(super) fn section_bytes(bid: &Bid, intents: &BTreeMap<IntentId, Intent>) -> u64 {
    let terms = bid.terms();
    let mut bytes = 20 + 20 + 4 + 4 + 16 + 4 + uint(terms.nonce) + 32 + 32 + 64;
    let mut tokens = Vec::new();
    for fill in bid.fills() {
        let Some(intent) = intents.get(&fill.intent) else { continue };
        let pair = intent.pair();
        tokens.extend([pair.sell, pair.buy]);
        bytes += 1 + 20 + 2 + 4 + 64;
        bytes += uint(intent.sell_amount()) + uint(intent.buy_amount());
        bytes += uint(Amount::new(intent.nonce()));
        bytes += if intent.signed_receiver().is_zero() { 0 } else { 20 };
        bytes += if intent.app_data().is_zero() { 0 } else { 32 };
    }
    tokens.sort_unstable();
    tokens.dedup();
    bytes += 1 + 20 * tokens.len() + 1 + 2 + 3 + bid.callback().len();
    bytes += bid.legs().iter().map(|leg| 2 + uint(leg.amount)).sum::<usize>();
    bytes as u64
}

fn uint(value: Amount) -> usize {
    1 + value.get().byte_len()
}

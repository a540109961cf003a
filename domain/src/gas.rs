//! What of a bid's signed gas is not for its frame: the contract's `gasOverhead`, number for number.
//!
//! Signed gas is all that a bid can ever be charged (design C9). What its batch spends on it outside of
//! its frame (calldata, reading, authorising, logs, its part of commit and reveal) is taken off
//! first, by a formula that the settler cannot inflate. A test asks the contract for the same numbers.

use crate::{Bid, bid::End};

/// The whole of a batch's commit and reveal, as if the bid were alone in it.
const BATCH: u64 = 72_000;
/// A bid's head.
const BID: u64 = 22_000;
/// What an intent adds.
const INTENT: u64 = 5_000;
/// What a leg adds.
const LEG: u64 = 1_000;
/// What a byte of the filler's data adds.
const BYTE: u64 = 17;
/// What a byte beyond the first [`LONG`] adds: a transaction of much data pays for that alone
/// (EIP-7623).
const LONG_BYTE: u64 = 42;
const LONG: u64 = 1_024;

/// Gas that a bid of this shape is charged besides its frame, at most.
#[must_use]
pub const fn overhead(intents: u64, legs: u64, callback_bytes: u64) -> u64 {
    let long = callback_bytes.saturating_sub(LONG);
    let data = BYTE * callback_bytes + (LONG_BYTE - BYTE) * long;
    BATCH + BID + INTENT * intents + LEG * legs + data
}

/// What a bid is charged besides if it is the first in a word of its solver's bid nonces.
pub const NONCE_WORD: u64 = 17_100;

/// What is spent to make the call of a filler.
const CALLBACK: u64 = 5_000;
/// What a callback must leave to each payment of the filler after it.
const PAYMENT: u64 = 80_000;

/// The least gas that a bid may be signed for: its [`overhead`]; a new word of nonces, for it is not
/// known which bid will be the first in it; and what its filler's callback is promised, with what has to be left
/// when that is spent (of its gas a call is given 63 parts in 64, EIP-150).
#[must_use]
pub fn least_of(bid: &Bid) -> u64 {
    let [intents, legs, bytes] = [bid.fills().len(), bid.legs().len(), bid.callback().len()];
    let overhead = overhead(intents as u64, legs as u64, bytes as u64) + NONCE_WORD;
    let callback = u64::from(bid.terms().callback_gas);
    if callback == 0 {
        return overhead;
    }
    let payments = bid.legs().iter().filter(|leg| leg.from == End::Filler).count();
    overhead + callback + callback.div_ceil(63) + CALLBACK + PAYMENT * payments as u64
}

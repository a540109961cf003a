//! What of a bid's signed gas is not for its frame: the contract's `gasOverhead`, number for number.
//!
//! Signed gas is all that a bid can ever be charged (design C9). What its batch spends on it outside of
//! its frame (calldata, reading, authorising, logs, its part of commit and reveal) is taken off
//! first, by a formula that the settler cannot inflate. A test asks the contract for the same numbers.

use crate::Bid;

/// The whole of a batch's commit and reveal, as if the bid were alone in it.
const BATCH: u64 = 60_000;
/// A bid's head.
const BID: u64 = 22_000;
/// What an intent adds.
const INTENT: u64 = 5_200;
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

/// [`overhead`] of a bid.
#[must_use]
pub fn overhead_of(bid: &Bid) -> u64 {
    let [intents, legs, bytes] = [bid.fills().len(), bid.legs().len(), bid.callback().len()];
    overhead(intents as u64, legs as u64, bytes as u64)
}

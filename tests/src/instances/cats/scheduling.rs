//! Section 4.5: a machine's slots of time; a job wants so many in a row before a deadline, and
//! pays less the later the deadline that is kept.

use super::{Dice, Ledger};

/// The longest job, in slots (`max_length`).
const MAX_LENGTH: usize = 10;
/// How far jobs differ in what they pay (`deviation`).
const DEVIATION: f64 = 0.5;
/// How much more a long job pays for a slot (`additivity`).
const ADDITIVITY: f64 = 0.2;
/// The probability that there is one more, later deadline (`prob_additional_deadline`).
const ADDITIONAL_DEADLINE: f64 = 0.7;

pub(super) fn fill(dice: &mut Dice, goods: usize, ledger: &mut Ledger) {
    while !ledger.is_full() {
        let length = dice.int(1, MAX_LENGTH);
        // slots are numbered from 1 here, as in the paper; a block ends with its last slot
        let first_deadline = dice.int(length, goods);
        let factor = dice.real(1.0 - DEVIATION, 1.0 + DEVIATION);
        let full = factor * (length as f64).powf(1.0 + ADDITIVITY);
        let mut bids = Vec::new();
        let (mut served, mut deadline) = (0, first_deadline);
        loop {
            let price = full * first_deadline as f64 / deadline as f64;
            for end in length.max(served + 1)..=deadline {
                bids.push(((end - length..end).collect(), price));
            }
            if deadline == goods || !dice.chance(ADDITIONAL_DEADLINE) {
                break;
            }
            served = deadline;
            deadline = dice.int(served + 1, goods);
        }
        ledger.alternatives(bids);
    }
}

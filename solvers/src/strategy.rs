//! Reference strategies: pure functions from what a solver knows to what it would bid.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use domain::{Amount, IntentId, bid::Leg};

mod fill;
pub mod inventory;
mod market;
pub mod ring;

pub use market::{Candidate, Market};

/// The least share of an intent these strategies fill in part, in basis points. An auction's own
/// minimum is not announced; one above this would have these bids dropped, not settled.
pub const MIN_FILL_BPS: u32 = 1_000;

/// What to bid: legs, and what they would cost and bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The transfers.
    pub legs: Vec<Leg>,
    /// The intents they fill, ascending.
    pub intents: Vec<IntentId>,
    /// The owners' surplus over their limits, in numéraire atoms: what the bid would score,
    /// but for the auction's cap.
    pub surplus: Amount,
    /// What the filler would pay, by token.
    pub pays: BTreeMap<Address, Amount>,
}

/// Keeps at most `limit` plans: first those that can win together, the best first, then
/// alternatives to them.
#[must_use]
pub fn choose(mut plans: Vec<Plan>, limit: usize) -> Vec<Plan> {
    plans.sort_by(|a, b| b.surplus.cmp(&a.surplus).then_with(|| a.intents.cmp(&b.intents)));
    let mut taken = std::collections::BTreeSet::new();
    let (mut chosen, mut others) = (Vec::new(), Vec::new());
    for plan in plans {
        if plan.intents.iter().any(|id| taken.contains(id)) {
            others.push(plan);
        } else {
            taken.extend(plan.intents.iter().copied());
            chosen.push(plan);
        }
    }
    chosen.extend(others);
    chosen.truncate(limit);
    chosen
}

#[cfg(test)]
mod judge;

//! What a batch and its bids share beyond single intents, and what of it is left.

use std::collections::HashSet;

use super::field::{Candidate, Field};
use crate::{
    Amount,
    auction::{DropReason, Scarce, check::Rules},
};

/// What those that were decided before have left. Intents are not in it: all bids that touch an
/// intent are decided together, because an intent's pair and kind say in which pass.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) gas: u64,
    pub(super) bytes: u64,
    pub(super) places: u64,
    /// By the purse's number.
    pub(super) purses: Vec<Amount>,
    /// Solver and nonce of bids that have won: a nonce settles one bid.
    nonces: HashSet<(u32, Amount)>,
}

impl Room {
    /// All there is.
    pub(super) fn of(rules: &Rules<'_>) -> Self {
        Self {
            gas: rules.params.gas_budget,
            bytes: rules.params.byte_budget,
            places: u64::from(rules.params.max_winners),
            purses: rules.table.purses().iter().map(|purse| purse.capacity).collect(),
            nonces: HashSet::new(),
        }
    }

    pub(super) fn purse(&self, number: u32) -> Amount {
        self.purses[number as usize]
    }

    /// Takes what a winner needs.
    pub(super) fn take(&mut self, field: &Field<'_>, winner: &Candidate<'_>) {
        let load = winner.judged.load;
        self.gas = self.gas.saturating_sub(load.gas);
        self.bytes = self.bytes.saturating_sub(load.bytes);
        self.places = self.places.saturating_sub(1);
        for (purse, sold) in field.lines(winner).payments() {
            let left = &mut self.purses[purse as usize];
            *left = left.saturating_sub(sold.unwrap_or(Amount::MAX));
        }
        self.nonces.insert(winner.nonce());
    }

    /// Whether a candidate could still win by itself.
    ///
    /// # Errors
    /// What it lacks.
    pub(super) fn admit(&self, field: &Field<'_>, bid: &Candidate<'_>) -> Result<(), DropReason> {
        let fits = |of: Scarce, needed: Amount, left: Amount| {
            if needed <= left { Ok(()) } else { Err(DropReason::NoRoom { of, needed, left }) }
        };
        let load = bid.judged.load;
        fits(Scarce::Gas, load.gas.into(), self.gas.into())?;
        fits(Scarce::Bytes, load.bytes.into(), self.bytes.into())?;
        fits(Scarce::Places, 1u64.into(), self.places.into())?;
        let used = self.nonces.contains(&bid.nonce());
        fits(Scarce::Nonces, 1u64.into(), u64::from(!used).into())?;
        for (purse, sold) in field.lines(bid).payments() {
            fits(Scarce::Funds, sold.unwrap_or(Amount::MAX), self.purse(purse))?;
        }
        Ok(())
    }
}

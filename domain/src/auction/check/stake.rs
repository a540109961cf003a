//! What a bid must be good for: the penalty it owes if it fails by its solver's fault, and its gas
//! (design C8, C9). The one that is signed must be enough, and the solver must have both.

use alloy_primitives::U256;

use super::{Lines, table::Table};
use crate::{
    Amount, Bid,
    auction::{DropReason, Params, SolverStanding},
    gas,
};

/// What a bid ties down of its solver's funds until it is over, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::auction) struct Stake {
    pub(in crate::auction) penalty: Amount,
    pub(in crate::auction) gas: Amount,
}

impl Stake {
    /// What `bid` ties down; `gas_price` is what gas is reserved at.
    pub(in crate::auction) fn of(bid: &Bid, gas_price: Amount) -> Self {
        let terms = bid.terms();
        let penalty = Amount::new(U256::from(terms.penalty));
        let cost = gas_price.get().saturating_mul(U256::from(terms.gas));
        Self { penalty, gas: Amount::new(cost) }
    }

    /// Both together; more than any solver has is as good as 2^256 - 1.
    pub(in crate::auction) fn with(self, other: Self) -> Self {
        let sum = |a: Amount, b: Amount| a.checked_add(b).unwrap_or(Amount::MAX);
        Self { penalty: sum(self.penalty, other.penalty), gas: sum(self.gas, other.gas) }
    }

    /// Whether a solver's free funds cover it.
    pub(in crate::auction) fn covered(self, standing: &SolverStanding) -> Result<(), DropReason> {
        if self.penalty > standing.bond {
            return Err(DropReason::BondShort { needed: self.penalty, free: standing.bond });
        }
        if self.gas > standing.deposit {
            return Err(DropReason::DepositShort { needed: self.gas, free: standing.deposit });
        }
        Ok(())
    }
}

/// Whether what is signed is enough: the least gas of a bid like this ([`gas::least_of`]), and the
/// penalty that the parameters ask for.
pub(super) fn signed_enough(
    params: &Params,
    table: &Table<'_>,
    bid: &Bid,
    lines: Lines<'_>,
) -> Result<(), DropReason> {
    let terms = bid.terms();
    let (signed, least) = (u64::from(terms.gas), gas::least_of(bid));
    if signed < least {
        return Err(DropReason::GasTooLow { gas: signed, least });
    }
    let sold = lines.iter().map(|(_, entry, fill)| (table.pair(entry.pair).sell, fill.sold));
    let least = params.least_penalty(table.native, sold);
    let penalty = Amount::new(U256::from(terms.penalty));
    if penalty < least {
        return Err(DropReason::PenaltyTooLow { penalty, least });
    }
    Ok(())
}

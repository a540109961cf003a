//! What bids of one auction tie down of their solver's funds, counted where they are queued: several api
//! processes take a solver's bids at once. Redis' scripts count in doubles, so they count gwei: what
//! is tied down rounded up, what is free rounded down.

use alloy::primitives::U256;
use domain::Amount;

/// Numbers up to this are exact in a script: 2^53 - 1 gwei are 9 million units of 18 decimals.
const MOST: u64 = (1 << 53) - 1;
const GWEI: u64 = 1_000_000_000;

/// What a bid ties down, and what its solver has for it and for its other bids in the auction; in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stake {
    /// What the bid owes if it fails by its solver's fault.
    pub penalty: Amount,
    /// What of the bond is free for this auction.
    pub bond: Amount,
    /// What the bid may cost in gas.
    pub cost: Amount,
    /// What of the gas deposit is free for this auction.
    pub deposit: Amount,
}

/// One of a solver's two funds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fund {
    /// Answers for penalties.
    Bond,
    /// Pays for gas.
    Gas,
}

/// A fund is too small for a bid and those before it. Amounts in wei, to the gwei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// Which.
    pub fund: Fund,
    /// What the solver's bids in this auction tie down, with this one.
    pub needed: Amount,
    /// What it has for them.
    pub free: Amount,
}

impl Stake {
    /// The script's arguments: penalty, bond, cost, deposit.
    pub(super) fn gwei(&self) -> [u64; 4] {
        [up(self.penalty), down(self.bond), up(self.cost), down(self.deposit)]
    }
}

/// Gwei as they come from a script.
pub(super) fn wei(gwei: u64) -> Amount {
    Amount::new(U256::from(gwei) * U256::from(GWEI))
}

fn up(wei: Amount) -> u64 {
    wei.get().div_ceil(U256::from(GWEI)).saturating_to::<u64>().min(MOST)
}

fn down(wei: Amount) -> u64 {
    // one less than the most: what is too large to count is never covered
    (wei.get() / U256::from(GWEI)).saturating_to::<u64>().min(MOST - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tied_down_is_rounded_up_and_what_is_free_is_rounded_down() {
        let amount = |wei: u64| Amount::from(wei);
        let stake = Stake {
            penalty: amount(1),
            bond: amount(GWEI - 1),
            cost: amount(2 * GWEI),
            deposit: amount(2 * GWEI),
        };
        assert_eq!(stake.gwei(), [1, 0, 2, 2]);
        assert_eq!(wei(2), amount(2 * GWEI));
        let endless = Stake { penalty: Amount::MAX, bond: Amount::MAX, ..Stake::default() };
        let [penalty, bond, ..] = endless.gwei();
        assert!(penalty > bond);
    }
}

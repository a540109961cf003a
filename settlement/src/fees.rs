//! What a transaction offers per gas (wei), and by how much a replacement must offer more.

use alloy::primitives::U256;

/// An EIP-1559 offer, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// The most that is paid in all.
    pub max_fee: u128,
    /// The most of it that goes to the block's builder.
    pub tip: u128,
}

/// The market's price and our ceiling, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// The base fee of the latest block.
    pub base_fee: u128,
    /// The tip that is usual now.
    pub tip: u128,
    /// What we never offer more than.
    pub cap: u128,
}

impl Fees {
    /// An offer that stays good while the base fee doubles, about six full blocks; never above
    /// the cap.
    #[must_use]
    pub fn fresh(market: Market) -> Self {
        let max_fee = market.base_fee.saturating_mul(2).saturating_add(market.tip);
        let max_fee = max_fee.min(market.cap);
        Self { max_fee, tip: market.tip.min(max_fee) }
    }

    /// What so much gas costs at most, wei: a node wants to see that much on the account.
    #[must_use]
    pub fn of(self, gas: u64) -> U256 {
        U256::from(self.max_fee).saturating_mul(U256::from(gas))
    }

    /// The offer that replaces this one: a fresh one, but at least an eighth more in both parts,
    /// because nodes refuse a replacement below that. `None` if the cap does not allow it.
    #[must_use]
    pub fn bumped(self, market: Market) -> Option<Self> {
        let fresh = Self::fresh(market);
        let max_fee = fresh.max_fee.max(eighth_more(self.max_fee));
        let tip = fresh.tip.max(eighth_more(self.tip));
        let bumped = Self { max_fee, tip: tip.min(max_fee) };
        (max_fee <= market.cap).then_some(bumped)
    }
}

/// A twelfth-and-a-half percent more, rounded up, at least one.
fn eighth_more(fee: u128) -> u128 {
    fee.saturating_add(fee.div_ceil(8)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: Market = Market { base_fee: 100, tip: 10, cap: 1000 };

    #[test]
    fn a_fresh_offer_outlasts_a_doubled_base_fee() {
        assert_eq!(Fees::fresh(MARKET), Fees { max_fee: 210, tip: 10 });
    }

    #[test]
    fn no_offer_exceeds_the_cap() {
        let tight = Market { cap: 5, ..MARKET };
        assert_eq!(Fees::fresh(tight), Fees { max_fee: 5, tip: 5 });
        assert_eq!(Fees { max_fee: 900, tip: 1 }.bumped(MARKET), None);
    }

    #[test]
    fn a_replacement_raises_both_parts_by_an_eighth_at_least() {
        for fee in [0u128, 1, 7, 8, 9, 200, 210, 211, 800] {
            let old = Fees { max_fee: fee, tip: fee / 2 };
            let new = old.bumped(MARKET).unwrap();
            assert!(new.max_fee * 8 >= old.max_fee * 9 && new.max_fee > old.max_fee);
            assert!(new.tip * 8 >= old.tip * 9 && new.tip > old.tip);
        }
    }

    #[test]
    fn a_replacement_follows_a_risen_market() {
        let old = Fees { max_fee: 20, tip: 1 };
        assert_eq!(old.bumped(MARKET), Some(Fees { max_fee: 210, tip: 10 }));
    }
}

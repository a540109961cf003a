//! Whether what answers for winners still does when they are written. A second attempt and the next
//! auction are decided beside each other, and each reads what is in flight before the other has
//! written: so whoever writes looks again, alone, and decides again if it no longer suffices.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::Address;
use domain::{Amount, auction::SolverStanding};
use infra::pg::{self, StoreError, auction::Staked, settlement::NewSettlement};
use sqlx::PgConnection;

use crate::judge::Case;

/// What a decision counted on: its standings, off which was taken what was tied down then.
#[derive(Clone, Debug)]
pub(crate) struct Backing(Arc<Case>);

impl Backing {
    pub(crate) const fn of(case: Arc<Case>) -> Self {
        Self(case)
    }

    /// Whether bonds, deposits and nonces still answer for `batch`, with all that was queued since. To be
    /// asked under the market's exclusive lock, which every transaction holds that queues a batch.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn covers(
        &self,
        tx: &mut PgConnection,
        chain_id: u64,
        batch: &NewSettlement,
    ) -> Result<bool, StoreError> {
        let bidders = &self.0.bidders;
        let since = pg::auction::staked_since(tx, chain_id, &bidders.staked).await?;
        let mut own = BTreeMap::<Address, Staked>::new();
        for bid in &batch.bids {
            own.entry(bid.solver).or_default().add(batch.auction, bid);
        }
        let gas_price = bidders.standings.gas_price;
        Ok(own.iter().all(|(solver, own)| {
            let Some(others) = since.of(*solver) else { return true };
            let standing = bidders.standings.solvers.get(solver);
            standing.is_some_and(|standing| answers(standing, gas_price, own, others))
        }))
    }
}

/// Whether what was free of a solver answers for both.
fn answers(free: &SolverStanding, gas_price: Amount, own: &Staked, others: &Staked) -> bool {
    let within = |a: Amount, b, free: Amount| a.checked_add(b).is_some_and(|sum| sum <= free);
    within(own.penalties, others.penalties, free.bond)
        && within(own.cost(gas_price), others.cost(gas_price), free.deposit)
        && !own.nonces.keys().any(|nonce| others.nonces.contains_key(nonce))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use domain::{AuctionId, BidId};
    use infra::pg::settlement::PlannedBid;

    use super::*;

    fn staked(penalty: u64, gas: u32, nonce: u64) -> Staked {
        let mut staked = Staked::default();
        let bid = PlannedBid {
            bid: BidId::new(B256::ZERO),
            solver: Address::ZERO,
            gas,
            penalty: Amount::from(penalty),
            nonce: Some(Amount::from(nonce)),
            fills: Vec::new(),
            last_s: 0,
        };
        staked.add(AuctionId::new(1), &bid);
        staked
    }

    #[test]
    fn winners_are_covered_by_what_those_queued_since_leave_of_bond_deposit_and_nonces() {
        let free = SolverStanding {
            bond: Amount::from(10_u64),
            deposit: Amount::from(1_000_u64),
            ..SolverStanding::default()
        };
        let own = staked(6, 60, 1);
        let both = |others: Staked| answers(&free, Amount::from(10_u64), &own, &others);
        assert!(both(staked(4, 40, 2)));
        assert!(!both(staked(5, 40, 2)), "the bond");
        assert!(!both(staked(4, 41, 2)), "the deposit");
        assert!(!both(staked(4, 40, 1)), "the nonce");
    }
}

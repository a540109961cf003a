//! Whether what answers for winners still does when they are written. A second attempt and the next
//! auction are decided beside each other, and each reads what is in flight before the other has
//! written: so whoever writes looks again, alone, and decides again if it no longer suffices.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use domain::auction::{SolverStanding, Standings};
use infra::pg::{
    self, StoreError,
    auction::{Staked, Stakes},
    settlement::NewSettlement,
};
use sqlx::PgConnection;

use crate::standing::Bidders;

/// What a decision counted on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backing {
    standings: Standings,
    /// What was tied down already, and taken off what the standings say is free.
    staked: Stakes,
}

impl Backing {
    pub(crate) fn of(bidders: &Bidders) -> Self {
        Self { standings: bidders.standings.clone(), staked: bidders.staked.clone() }
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
        let since = pg::auction::staked_since(tx, chain_id, &self.staked).await?;
        let mut own = BTreeMap::<Address, Staked>::new();
        for bid in &batch.bids {
            own.entry(bid.solver).or_default().add(batch.auction, bid);
        }
        Ok(own.iter().all(|(solver, own)| match since.of(*solver) {
            Some(others) => self.covers_both(*solver, own, others),
            None => true,
        }))
    }

    fn covers_both(&self, solver: Address, own: &Staked, others: &Staked) -> bool {
        let Some(SolverStanding { bond, deposit, .. }) = self.standings.solvers.get(&solver) else {
            return false;
        };
        let price = self.standings.gas_price;
        let within =
            |a: domain::Amount, b, free: &_| a.checked_add(b).is_some_and(|sum| sum <= *free);
        within(own.penalties, others.penalties, bond)
            && within(own.cost(price), others.cost(price), deposit)
            && !own.nonces.keys().any(|nonce| others.nonces.contains_key(nonce))
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use domain::{Amount, AuctionId, BidId};
    use infra::pg::settlement::PlannedBid;

    use super::*;

    const SOLVER: Address = Address::repeat_byte(1);

    fn staked(penalty: u64, gas: u32, nonce: u64) -> Staked {
        let mut staked = Staked::default();
        let bid = PlannedBid {
            bid: BidId::new(B256::ZERO),
            solver: SOLVER,
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
        let standing = SolverStanding {
            bond: Amount::from(10_u64),
            deposit: Amount::from(1_000_u64),
            ..SolverStanding::default()
        };
        let standings = Standings {
            gas_price: Amount::from(10_u64),
            solvers: [(SOLVER, standing)].into(),
            ..Standings::default()
        };
        let backing = Backing { standings, ..Backing::default() };
        let own = staked(6, 60, 1);
        let covers = |others: Staked| backing.covers_both(SOLVER, &own, &others);
        assert!(covers(staked(4, 40, 2)));
        assert!(!covers(staked(5, 40, 2)), "the bond");
        assert!(!covers(staked(4, 41, 2)), "the deposit");
        assert!(!covers(staked(4, 40, 1)), "the nonce");
        let (none, stranger) = (Staked::default(), Address::repeat_byte(2));
        assert!(!backing.covers_both(stranger, &own, &none), "nobody spoke for it");
    }
}

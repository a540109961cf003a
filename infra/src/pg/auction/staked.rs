//! What of solvers answers for bids that won and are not settled yet: of their funds, and their
//! nonces.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use domain::{Amount, AuctionId};
use sqlx::{PgConnection, Row, types::Json};

use crate::pg::{StoreError, from_bigint, settlement::PlannedBid, to_bigint};

/// What a solver's bids in flight tie down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staked {
    /// The sum of their penalties, in wei.
    pub penalties: Amount,
    /// The sum of their signed gas.
    pub gas: Amount,
    /// The nonces that they will use up.
    pub nonces: BTreeMap<Amount, NonceInFlight>,
}

/// Who is about to use a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceInFlight {
    /// The auction that the bid won.
    pub auction: AuctionId,
    /// The last second (Unix time) in which the bid may settle: after it nobody uses the nonce.
    pub last_s: u64,
}

impl Staked {
    /// Counts a bid of `auction` in.
    pub fn add(&mut self, auction: AuctionId, bid: &PlannedBid) {
        let sum = |a: Amount, b: Amount| a.checked_add(b).unwrap_or(Amount::MAX);
        self.penalties = sum(self.penalties, bid.penalty);
        self.gas = sum(self.gas, Amount::new(U256::from(bid.gas)));
        let Some(nonce) = bid.nonce else { return };
        let later = NonceInFlight { auction, last_s: bid.last_s };
        let known = self.nonces.entry(nonce).or_insert(later);
        if known.last_s < later.last_s {
            *known = later;
        }
    }

    /// What the gas may cost, in wei.
    #[must_use]
    pub fn cost(&self, gas_price: Amount) -> Amount {
        Amount::new(self.gas.get().saturating_mul(gas_price.get()))
    }
}

/// What the batches in flight tie down.
#[derive(Clone, Debug, Default)]
pub struct Stakes {
    /// The batches that are counted, by number.
    batches: Vec<i64>,
    by_solver: BTreeMap<Address, Staked>,
}

impl Stakes {
    /// What a solver's bids tie down; `None` if it has none in flight.
    #[must_use]
    pub fn of(&self, solver: Address) -> Option<&Staked> {
        self.by_solver.get(&solver)
    }
}

/// What is tied down by batches that are decided and whose results are not recorded yet. Read it
/// before the block that solvers are asked about at: then a bid is counted twice for a moment, never
/// not at all.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that does not read; those of the database.
pub async fn staked(conn: &mut PgConnection, chain_id: u64) -> Result<Stakes, StoreError> {
    staked_since(conn, chain_id, &Stakes::default()).await
}

/// The same, of batches that are not in `before`. What has left it meanwhile is not taken off: its
/// charges and penalties may have been taken from the funds that were read then.
///
/// # Errors
/// As [`staked`].
pub async fn staked_since(
    conn: &mut PgConnection,
    chain_id: u64,
    before: &Stakes,
) -> Result<Stakes, StoreError> {
    const BATCHES: &str = "SELECT id, auction_id, bids FROM settlement WHERE chain_id = $1
        AND status IN ('planned', 'commit_sent', 'committed', 'reveal_sent') AND id <> ALL($2)";
    let query = sqlx::query(BATCHES).bind(to_bigint(chain_id)?).bind(&before.batches);
    let mut stakes = Stakes::default();
    for batch in &query.fetch_all(conn).await? {
        let auction = from_bigint(batch.try_get("auction_id")?, "settlement.auction_id")?;
        let Json(bids): Json<Vec<PlannedBid>> = batch.try_get("bids")?;
        for bid in &bids {
            let of_solver = stakes.by_solver.entry(bid.solver).or_default();
            of_solver.add(AuctionId::new(auction), bid);
        }
        stakes.batches.push(batch.try_get("id")?);
    }
    Ok(stakes)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use domain::BidId;

    use super::*;

    fn bid(nonce: Option<u64>, last_s: u64) -> PlannedBid {
        PlannedBid {
            bid: BidId::new(B256::ZERO),
            solver: Address::ZERO,
            gas: 3,
            penalty: Amount::from(7_u64),
            nonce: nonce.map(Amount::from),
            fills: Vec::new(),
            last_s,
        }
    }

    #[test]
    fn bids_add_up_and_a_nonce_is_in_flight_as_long_as_any_bid_with_it() {
        let mut staked = Staked::default();
        for (auction, bid) in [(1, bid(Some(5), 20)), (2, bid(Some(5), 10)), (3, bid(None, 30))] {
            staked.add(AuctionId::new(auction), &bid);
        }
        assert_eq!((staked.penalties, staked.gas), (Amount::from(21_u64), Amount::from(9_u64)));
        let held = NonceInFlight { auction: AuctionId::new(1), last_s: 20 };
        assert_eq!(staked.nonces, [(Amount::from(5_u64), held)].into());
        assert_eq!(staked.cost(Amount::from(2_u64)), Amount::from(18_u64));
    }

    #[test]
    fn a_row_of_a_release_before_reads_without_its_nonces() {
        let mut row = serde_json::to_value(bid(Some(5), 20)).unwrap();
        row.as_object_mut().unwrap().remove("nonce");
        let read: PlannedBid = serde_json::from_value(row).unwrap();
        assert_eq!(read, bid(None, 20));
    }
}

//! What of solvers' funds answers for bids that won and are not settled yet.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use domain::Amount;
use sqlx::{PgConnection, Row, types::Json};

use crate::pg::{StoreError, settlement::PlannedBid, to_bigint};

/// What a solver's bids in flight tie down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staked {
    /// The sum of their penalties, in wei.
    pub penalties: Amount,
    /// The sum of their signed gas.
    pub gas: Amount,
}

impl Staked {
    /// What the gas may cost, in wei.
    #[must_use]
    pub fn cost(&self, gas_price: Amount) -> Amount {
        Amount::new(self.gas.get().saturating_mul(gas_price.get()))
    }
}

/// What is tied down by batches that are decided and whose results are not recorded yet, by solver.
/// Read it before the block that funds are read at: then a bid is counted twice for a moment, never
/// not at all.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that does not read; those of the database.
pub async fn staked(
    conn: &mut PgConnection,
    chain_id: u64,
) -> Result<BTreeMap<Address, Staked>, StoreError> {
    const BATCHES: &str = "SELECT bids FROM settlement WHERE chain_id = $1
        AND status IN ('planned', 'commit_sent', 'committed', 'reveal_sent')";
    let batches = sqlx::query(BATCHES).bind(to_bigint(chain_id)?).fetch_all(conn).await?;
    let mut staked = BTreeMap::<Address, Staked>::new();
    for batch in &batches {
        let Json(bids): Json<Vec<PlannedBid>> = batch.try_get("bids")?;
        for bid in bids {
            let of_solver = staked.entry(bid.solver).or_default();
            let sum = |a: Amount, b: Amount| a.checked_add(b).unwrap_or(Amount::MAX);
            of_solver.penalties = sum(of_solver.penalties, bid.penalty);
            of_solver.gas = sum(of_solver.gas, Amount::new(U256::from(bid.gas)));
        }
    }
    Ok(staked)
}

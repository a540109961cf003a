//! The second attempt of an auction (design A12).

use std::collections::BTreeSet;

use alloy::primitives::Address;
use domain::{AuctionId, auction::RunnerUp};
use sqlx::{PgConnection, Row, types::Json};

use crate::pg::{StoreError, to_bigint};

/// Writes what was decided over what failed on chain, once. `false` if the auction has a second
/// decision, or is not `decided`: what is in its bids is public, then.
///
/// # Errors
/// Those of the database.
pub async fn set_runner_up(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    runner_up: &RunnerUp,
) -> Result<bool, StoreError> {
    const QUERY: &str = "UPDATE auction SET runner_up = $3
        WHERE chain_id = $1 AND id = $2 AND status = 'decided' AND runner_up IS NULL";
    let done = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(Json(runner_up))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Which of `accounts` (owner, sell token) stand behind an intent that another auction holds
/// undecided: it may be about to take from them what it saw when it was cut.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that does not read; those of the database.
pub async fn shared_purses(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    accounts: &BTreeSet<(Address, Address)>,
) -> Result<BTreeSet<(Address, Address)>, StoreError> {
    const QUERY: &str = "SELECT owner, sell_token FROM intent
        WHERE owner = ANY($3) AND chain_id = $1 AND status = 'open' AND auction_id <> $2";
    let owners: Vec<&[u8]> = accounts.iter().map(|(owner, _)| owner.as_slice()).collect();
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(owners)
        .fetch_all(conn)
        .await?;
    let mut shared = BTreeSet::new();
    for row in &rows {
        let address = |column| -> Result<Address, StoreError> {
            let bytes: &[u8] = row.try_get(column)?;
            Address::try_from(bytes).map_err(|_| StoreError::Corrupt(column))
        };
        shared.insert((address("owner")?, address("sell_token")?));
    }
    shared.retain(|account| accounts.contains(account));
    Ok(shared)
}

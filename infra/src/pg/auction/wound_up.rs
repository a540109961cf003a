//! What follows from an outcome: done once, right after it or by whoever leads next.

use domain::AuctionId;
use sqlx::PgConnection;

use super::numbers;
use crate::pg::{StoreError, to_bigint};

/// The auctions that have an outcome, but whose intents were not let go and told yet, ascending:
/// those of a leader that died in between. Their numbers, so that one row that is no auction does
/// not hide the others.
///
/// # Errors
/// [`StoreError::Corrupt`] for a number that is none; those of the database.
pub async fn left_behind(
    conn: &mut PgConnection,
    chain_id: u64,
) -> Result<Vec<AuctionId>, StoreError> {
    const QUERY: &str = "SELECT id FROM auction
        WHERE chain_id = $1 AND NOT wound_up AND status <> 'open' ORDER BY id";
    numbers(conn, QUERY, chain_id).await
}

/// Marks it as done, in the transaction that does it. `false` if it was done before.
///
/// # Errors
/// Those of the database.
pub async fn set_wound_up(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<bool, StoreError> {
    const QUERY: &str = "UPDATE auction SET wound_up = true
        WHERE chain_id = $1 AND id = $2 AND status <> 'open' AND NOT wound_up";
    let done = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

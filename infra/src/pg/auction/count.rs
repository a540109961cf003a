//! What follows from a decision and takes time to count: written after it, before it is published.

use domain::{
    AuctionId,
    auction::{IntentInsight, Reference},
};
use sqlx::{PgConnection, types::Json};

use super::numbers;
use crate::pg::{StoreError, to_bigint};

/// The auctions whose decision is written but not counted through yet, ascending: their numbers, so
/// that one row that is no auction does not hide the others.
///
/// # Errors
/// [`StoreError::Corrupt`] for a number that is none; those of the database.
pub async fn uncounted(
    conn: &mut PgConnection,
    chain_id: u64,
) -> Result<Vec<AuctionId>, StoreError> {
    const QUERY: &str = "SELECT id FROM auction WHERE chain_id = $1 AND uncounted ORDER BY id";
    numbers(conn, QUERY, chain_id).await
}

/// Completes a decision, once. `false` if that was done before.
///
/// # Errors
/// Those of the database.
pub async fn count(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    references: &[Reference],
    insights: &[IntentInsight],
) -> Result<bool, StoreError> {
    const QUERY: &str = "UPDATE auction SET uncounted = false, outcome = jsonb_set(
            jsonb_set(outcome, '{decision,references}', $3), '{insights}', $4)
        WHERE chain_id = $1 AND id = $2 AND uncounted";
    let done = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(Json(references))
        .bind(Json(insights))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

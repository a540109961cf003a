//! The prices of auctions past.

use domain::{AuctionId, event::TokenPrice};
use sqlx::{PgConnection, Row, types::Json};

use super::{StoreError, number, to_bigint};

/// The prices in the opening records of the last `limit` auctions, the newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that is no auction; those of the database.
pub async fn recent_prices(
    conn: &mut PgConnection,
    chain_id: u64,
    limit: u64,
) -> Result<Vec<(AuctionId, Vec<TokenPrice>)>, StoreError> {
    const QUERY: &str = "SELECT id, opening -> 'prices' AS prices FROM auction
        WHERE chain_id = $1 ORDER BY id DESC LIMIT $2";
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(limit)?)
        .fetch_all(conn)
        .await?;
    let read = |row: &sqlx::postgres::PgRow| {
        let Json(prices) = row.try_get("prices")?;
        Ok((AuctionId::new(number(row, "id")?), prices))
    };
    rows.iter().map(read).collect()
}

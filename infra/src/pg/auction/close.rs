//! The two writes that end an auction: what was received, then what came of it.

use domain::{
    AuctionId,
    status::{AuctionEvent, AuctionStatus, Step},
};
use sqlx::{PgConnection, types::Json};

use super::{Closing, Outcome};
use crate::pg::{StoreError, to_bigint};

/// Fixes what an open auction received, once. `false` if that is fixed already, or the auction is
/// not open: then nothing is written.
///
/// # Errors
/// Those of the database.
pub async fn close(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    closing: Closing,
) -> Result<bool, StoreError> {
    const QUERY: &str = "UPDATE auction SET bids_root = $3, bid_count = $4
        WHERE chain_id = $1 AND id = $2 AND status = 'open' AND bids_root IS NULL";
    let count = i32::try_from(closing.bid_count).map_err(|_| StoreError::Corrupt("bid_count"))?;
    let done = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(closing.bids_root.as_slice())
        .bind(count)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes an auction's outcome, if it is open and what it received is fixed. `false` if not, or if
/// it has an outcome already. Of a decision the references and insights are left to be counted:
/// see [`super::count`].
///
/// # Errors
/// Those of the database.
pub async fn conclude(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    outcome: &Outcome,
) -> Result<bool, StoreError> {
    const QUERY: &str = "UPDATE auction
        SET status = $3, outcome = $4, uncounted = $5,
            decided_at_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        WHERE chain_id = $1 AND id = $2 AND status = 'open' AND bids_root IS NOT NULL";
    let event = match outcome {
        Outcome::Decided { .. } => AuctionEvent::Decide,
        Outcome::Void { .. } => AuctionEvent::Void,
    };
    let Step::To(status) = AuctionStatus::Open.on(event) else {
        return Err(StoreError::Corrupt("auction.status"));
    };
    let done = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(status.as_str())
        .bind(Json(outcome))
        .bind(matches!(outcome, Outcome::Decided { .. }))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

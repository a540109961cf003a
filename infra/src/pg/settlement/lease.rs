//! Who works on a row. The token grows with every taker, so a worker that was away too long
//! cannot write over its successor.

use std::time::Duration;

use sqlx::PgConnection;

use super::row::{SettlementRow, columns};
use crate::pg::{StoreError, to_bigint};

/// What is notified when a row is queued.
pub const CHANNEL: &str = "gavel_settlement";

/// The right to work on one row until it runs out or is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLease {
    /// The settlement.
    pub id: i64,
    /// The fence.
    pub token: i64,
}

/// Which rows are wanted: those that hold a lane wait for every block, those that only wait to
/// become final are looked at once in a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `planned` to `reveal_sent`.
    Sending,
    /// `revealed`.
    Settling,
}

/// Leases up to `limit` rows that nobody works on, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn claim(
    conn: &mut PgConnection,
    chain_id: u64,
    phase: Phase,
    limit: u32,
    ttl: Duration,
) -> Result<Vec<(RowLease, SettlementRow)>, StoreError> {
    const QUERY: &str = concat!(
        "UPDATE settlement SET lease_token = lease_token + 1, lease_until = clock_timestamp() + $4
        WHERE id IN (
            SELECT id FROM settlement
            WHERE chain_id = $1 AND status = ANY($2) AND lease_until < clock_timestamp()
              AND status NOT IN ('final', 'expired', 'failed')
            ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING lease_token, ",
        columns!()
    );
    let statuses: &[&str] = match phase {
        Phase::Sending => &["planned", "commit_sent", "committed", "reveal_sent"],
        Phase::Settling => &["revealed"],
    };
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(statuses)
        .bind(i64::from(limit))
        .bind(ttl)
        .fetch_all(conn)
        .await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in &rows {
        use sqlx::Row;
        let settlement = SettlementRow::read(row)?;
        let lease = RowLease { id: settlement.id, token: row.try_get("lease_token")? };
        claimed.push((lease, settlement));
    }
    claimed.sort_unstable_by_key(|(lease, _)| lease.id);
    Ok(claimed)
}

/// Keeps the row for another `ttl`.
///
/// # Errors
/// [`StoreError::Fenced`] if it ran out or another worker has taken it; those of the database.
pub async fn renew(
    conn: &mut PgConnection,
    lease: RowLease,
    ttl: Duration,
) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE settlement SET lease_until = clock_timestamp() + $3
        WHERE id = $1 AND lease_token = $2 AND lease_until > clock_timestamp()";
    let query = sqlx::query(QUERY).bind(lease.id).bind(lease.token).bind(ttl);
    held(query.execute(conn).await?.rows_affected())
}

/// Keeps the row for another `ttl` and reads it.
///
/// # Errors
/// As [`renew`].
pub async fn hold(
    conn: &mut PgConnection,
    lease: RowLease,
    ttl: Duration,
) -> Result<SettlementRow, StoreError> {
    const QUERY: &str = concat!(
        "UPDATE settlement SET lease_until = clock_timestamp() + $3
        WHERE id = $1 AND lease_token = $2 AND lease_until > clock_timestamp() RETURNING ",
        columns!()
    );
    let query = sqlx::query(QUERY).bind(lease.id).bind(lease.token).bind(ttl);
    let row = query.fetch_optional(conn).await?;
    row.as_ref().map_or(Err(StoreError::Fenced), SettlementRow::read)
}

/// Gives the row back, so that the next taker need not wait. Not holding it is no error.
///
/// # Errors
/// Those of the database.
pub async fn release(conn: &mut PgConnection, lease: RowLease) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE settlement SET lease_until = '-infinity'
        WHERE id = $1 AND lease_token = $2";
    sqlx::query(QUERY).bind(lease.id).bind(lease.token).execute(conn).await?;
    Ok(())
}

/// The first statement of every transaction on behalf of a row: locks it and proves the lease.
///
/// # Errors
/// [`StoreError::Fenced`] if it ran out or another worker has taken it; those of the database.
pub async fn fence(conn: &mut PgConnection, lease: RowLease) -> Result<(), StoreError> {
    const QUERY: &str = "SELECT 1 FROM settlement
        WHERE id = $1 AND lease_token = $2 AND lease_until > clock_timestamp() FOR UPDATE";
    let query = sqlx::query(QUERY).bind(lease.id).bind(lease.token);
    held(query.fetch_all(conn).await?.len() as u64)
}

fn held(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Fenced) }
}

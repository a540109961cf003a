//! Who works on a row. The token grows with every taker, so a worker that was away too long
//! cannot write over its successor.

use std::time::Duration;

use alloy::primitives::Address;
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

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `planned` to `reveal_sent`: they want a lane or hold one, and are driven block by block.
    /// Those on their way come before those that are not, and among these the earliest deadline
    /// before the others.
    Sending,
    /// What is only looked at once a block: a reveal that is not final, an ended row whose reveal
    /// may come back, a planned one whose time is over, and one whose commitment was made with a
    /// key that is not here.
    Watching {
        /// The earliest time at which what is committed now can be revealed, Unix seconds.
        reveal_s: u64,
    },
}

/// Who wants rows.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The chain.
    pub chain_id: u64,
    /// The settlers whose keys are at hand: only they can reveal what they committed.
    pub settlers: &'a [Address],
    /// How many at most.
    pub limit: u32,
    /// How long they are leased.
    pub ttl: Duration,
}

/// The settler of a row's last commitment, or none.
macro_rules! committed_by {
    () => {
        "(SELECT settler FROM commitment WHERE settlement_id = settlement.id \
          ORDER BY commitment.id DESC LIMIT 1)"
    };
}

/// Rows under way, to be driven by whoever has the key.
const SENDING: &str = concat!(
    "UPDATE settlement SET lease_token = lease_token + 1, lease_until = clock_timestamp() + $4
    WHERE id IN (
        SELECT id FROM settlement
        WHERE chain_id = $1 AND lease_until < clock_timestamp()
          AND status IN ('planned', 'commit_sent', 'committed', 'reveal_sent')
          AND status NOT IN ('final', 'expired', 'failed')
          AND coalesce(",
    committed_by!(),
    " = ANY($2), true)
        ORDER BY status = 'planned', deadline_s, id LIMIT $3 FOR UPDATE SKIP LOCKED)
    RETURNING lease_token, ",
    columns!()
);

/// Rows to be looked at.
const WATCHING: &str = concat!(
    "UPDATE settlement SET lease_token = lease_token + 1, lease_until = clock_timestamp() + $4
    WHERE id IN (
        SELECT id FROM settlement WHERE lease_until < clock_timestamp() AND id = ANY(ARRAY(
            SELECT id FROM settlement
            WHERE chain_id = $1 AND status NOT IN ('final', 'expired', 'failed')
              AND CASE WHEN status = 'revealed' OR status = 'planned' AND last_s < $5 THEN true
                  ELSE coalesce(",
    committed_by!(),
    " <> ALL($2), false) END
            UNION ALL
            SELECT id FROM settlement WHERE chain_id = $1 AND watch_until IS NOT NULL))
        ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
    RETURNING lease_token, ",
    columns!()
);

/// Leases rows that nobody works on.
///
/// # Errors
/// Those of the database.
pub async fn claim(
    conn: &mut PgConnection,
    phase: Phase,
    claim: Claim<'_>,
) -> Result<Vec<(RowLease, SettlementRow)>, StoreError> {
    let settlers: Vec<&[u8]> = claim.settlers.iter().map(|settler| settler.as_slice()).collect();
    let query = match phase {
        Phase::Sending => SENDING,
        Phase::Watching { .. } => WATCHING,
    };
    let query = sqlx::query(query)
        .bind(to_bigint(claim.chain_id)?)
        .bind(settlers)
        .bind(i64::from(claim.limit))
        .bind(claim.ttl);
    let query = match phase {
        Phase::Sending => query,
        Phase::Watching { reveal_s } => query.bind(to_bigint(reveal_s)?),
    };
    let rows = query.fetch_all(conn).await?;
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

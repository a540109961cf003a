//! Strikes: owners who were short when a winning bid was revealed, and may only be filled alone for
//! a while (design C8).

use std::collections::BTreeSet;

use domain::IntentId;
use sqlx::{PgConnection, Row};

use super::{StoreError, to_bigint};

/// Writes a strike for the owner of each of `intents`, which a settlement's reveal showed to be short,
/// and forgets those older than `kept_s` seconds: that bounds the table by what fails in that time.
/// Returns how many owners are struck. An owner is struck once by a settlement.
///
/// # Errors
/// [`StoreError::Constraint`] `strike_settlement_known` for an unknown settlement; those of the
/// database.
pub async fn write(
    conn: &mut PgConnection,
    chain_id: u64,
    settlement: i64,
    intents: &[IntentId],
    kept_s: u64,
) -> Result<u64, StoreError> {
    // no worker waits for another one that forgets the same
    const OLD: &str = "DELETE FROM strike WHERE (chain_id, owner, settlement_id) IN (
            SELECT chain_id, owner, settlement_id FROM strike WHERE chain_id = $1
                AND struck_at <= statement_timestamp() - make_interval(secs => $2)
            FOR UPDATE SKIP LOCKED)";
    const NEW: &str = "INSERT INTO strike (chain_id, owner, settlement_id)
        SELECT DISTINCT chain_id, owner, $2 FROM intent WHERE chain_id = $1 AND id = ANY($3)
        ON CONFLICT ON CONSTRAINT strike_pk DO NOTHING";
    let chain_id = to_bigint(chain_id)?;
    sqlx::query(OLD).bind(chain_id).bind(seconds(kept_s)).execute(&mut *conn).await?;
    let ids: Vec<&[u8]> = intents.iter().map(|id| id.as_bytes()).collect();
    let query = sqlx::query(NEW).bind(chain_id).bind(settlement).bind(ids);
    Ok(query.execute(conn).await?.rows_affected())
}

/// Takes the strikes of a settlement back, whose reveal is no longer in a canonical block. Returns
/// how many there were.
///
/// # Errors
/// Those of the database.
pub async fn take_back(conn: &mut PgConnection, settlement: i64) -> Result<u64, StoreError> {
    const QUERY: &str = "DELETE FROM strike WHERE settlement_id = $1";
    Ok(sqlx::query(QUERY).bind(settlement).execute(conn).await?.rows_affected())
}

/// Those of `intents` whose owner has a strike younger than `fresh_s` seconds, by Postgres' clock.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that does not read; those of the database.
pub async fn struck(
    conn: &mut PgConnection,
    chain_id: u64,
    intents: &[IntentId],
    fresh_s: u64,
) -> Result<BTreeSet<IntentId>, StoreError> {
    // the statement's time and not the clock's, which no index can be asked with
    const QUERY: &str = "SELECT id FROM intent WHERE id = ANY($2) AND chain_id = $1
        AND owner IN (SELECT owner FROM strike WHERE chain_id = $1
            AND struck_at > statement_timestamp() - make_interval(secs => $3))";
    if fresh_s == 0 || intents.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids: Vec<&[u8]> = intents.iter().map(|id| id.as_bytes()).collect();
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(ids).bind(seconds(fresh_s));
    let rows = query.fetch_all(conn).await?;
    let read = |row: &sqlx::postgres::PgRow| {
        let id: &[u8] = row.try_get("id")?;
        IntentId::try_from(id).map_err(|_| StoreError::Corrupt("intent.id"))
    };
    rows.iter().map(read).collect()
}

/// As `make_interval` takes them; nobody waits for 2^32 seconds.
fn seconds(seconds: u64) -> f64 {
    f64::from(u32::try_from(seconds).unwrap_or(u32::MAX))
}

//! What a settlement changes of its intents beyond their table: only while its auction holds them.

use domain::{AuctionId, IntentId, event::TxRef};
use serde_json::json;
use sqlx::{PgConnection, Row};

use crate::pg::{StoreError, to_bigint};

/// Locks the intents in the order of their ids, before a transaction that changes them one by one: so
/// it waits for no other writer in a circle.
///
/// # Errors
/// Those of the database.
pub async fn lock(conn: &mut PgConnection, intents: &[IntentId]) -> Result<(), StoreError> {
    const QUERY: &str = "SELECT FROM intent WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    sqlx::query(QUERY).bind(ids(intents)).execute(conn).await?;
    Ok(())
}

/// [`lock`]s the intents, and returns those that the auction holds: after a reorg some may be in another
/// one by now, or out of the book.
///
/// # Errors
/// Those of the database.
pub async fn lock_intents(
    conn: &mut PgConnection,
    auction: AuctionId,
    intents: &[IntentId],
) -> Result<Vec<IntentId>, StoreError> {
    const QUERY: &str = "SELECT id, coalesce(auction_id = $2, false) AS held FROM intent
        WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let query = sqlx::query(QUERY).bind(ids(intents)).bind(to_bigint(auction.get())?);
    let mut held = Vec::with_capacity(intents.len());
    for row in &query.fetch_all(conn).await? {
        if row.try_get("held")? {
            let id: &[u8] = row.try_get("id")?;
            held.push(IntentId::try_from(id).map_err(|_| StoreError::Corrupt("intent.id"))?);
        }
    }
    Ok(held)
}

/// Puts those of the intents that are `filled` to the auction whose reveal filled them, whoever
/// held them before: if that reveal is taken back, it is this auction's commitment that holds them.
///
/// # Errors
/// Those of the database.
pub async fn keep_filled(
    conn: &mut PgConnection,
    auction: AuctionId,
    intents: &[IntentId],
) -> Result<(), StoreError> {
    const QUERY: &str =
        "UPDATE intent SET auction_id = $2 WHERE id = ANY($1) AND status = 'filled'";
    sqlx::query(QUERY).bind(ids(intents)).bind(to_bigint(auction.get())?).execute(conn).await?;
    Ok(())
}

/// What the intents' status rests on now: another transaction than the one that a reorg took away,
/// or none.
///
/// # Errors
/// Those of the database.
pub async fn set_evidence(
    conn: &mut PgConnection,
    intents: &[IntentId],
    evidence: Option<TxRef>,
) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE intent SET evidence = $2
        WHERE id = ANY($1) AND status IN ('matched', 'committed')";
    let evidence = evidence.map(|evidence| json!(evidence));
    sqlx::query(QUERY).bind(ids(intents)).bind(evidence).execute(conn).await?;
    Ok(())
}

fn ids(intents: &[IntentId]) -> Vec<&[u8]> {
    intents.iter().map(IntentId::as_bytes).collect()
}

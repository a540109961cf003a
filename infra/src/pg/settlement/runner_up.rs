//! Between two attempts: first attempts that left intents unfilled, and second ones that rest on a
//! reveal.

use std::collections::BTreeSet;

use domain::{
    AuctionId, IntentId,
    event::{BlockRef, TxRef},
};
use sqlx::{PgConnection, Row, types::Json};

use super::row::{PlannedBid, unsigned, word};
use crate::pg::{StoreError, to_bigint};

/// What is notified, with the chain's number, when a second attempt is due.
pub const RUNNER_UP_CHANNEL: &str = "gavel_runner_up";

/// Rings for whoever decides second attempts, when the transaction commits.
///
/// # Errors
/// Those of the database.
pub async fn call_for_runner_up(conn: &mut PgConnection, chain_id: u64) -> Result<(), StoreError> {
    const QUERY: &str = "SELECT pg_notify($1, $2)";
    sqlx::query(QUERY).bind(RUNNER_UP_CHANNEL).bind(chain_id.to_string()).execute(conn).await?;
    Ok(())
}

/// The auctions whose second attempt is due, ascending.
///
/// # Errors
/// Those of the database.
pub async fn runner_ups_due(
    conn: &mut PgConnection,
    chain_id: u64,
) -> Result<Vec<AuctionId>, StoreError> {
    const QUERY: &str = "SELECT auction_id FROM settlement
        WHERE chain_id = $1 AND runner_up_due ORDER BY auction_id";
    let rows = sqlx::query(QUERY).bind(to_bigint(chain_id)?).fetch_all(conn).await?;
    rows.iter().map(|row| Ok(AuctionId::new(unsigned(row, "auction_id")?))).collect()
}

/// Takes a second attempt that is due: whoever does decides over its intents in the same
/// transaction. `false` if it is not due any more. Locks the first attempt's row.
///
/// # Errors
/// Those of the database.
pub async fn take_runner_up(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<bool, StoreError> {
    const QUERY: &str =
        "UPDATE settlement SET runner_up_due = false, updated_at = clock_timestamp()
        WHERE chain_id = $1 AND auction_id = $2 AND runner_up_due";
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(to_bigint(auction.get())?);
    Ok(query.execute(conn).await?.rows_affected() == 1)
}

/// The reveal that a settlement's results were read from.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that does not read; those of the database.
pub async fn reveal_of(
    conn: &mut PgConnection,
    settlement: i64,
) -> Result<Option<TxRef>, StoreError> {
    const QUERY: &str = "SELECT hash, block_number, block_hash FROM tx_attempt
        WHERE settlement_id = $1 AND kind = 'reveal' AND status = 'mined' ORDER BY id DESC LIMIT 1";
    let row = sqlx::query(QUERY).bind(settlement).fetch_optional(conn).await?;
    let read = |row: sqlx::postgres::PgRow| {
        let block =
            BlockRef { number: unsigned(&row, "block_number")?, hash: word(&row, "block_hash")? };
        Ok(TxRef { tx: word(&row, "hash")?, block })
    };
    row.map(read).transpose()
}

/// Whether an auction may have a second attempt: its bids are sealed still, and it had none.
///
/// # Errors
/// Those of the database.
pub async fn may_have_runner_up(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<bool, StoreError> {
    const QUERY: &str = "SELECT status = 'decided' AND runner_up IS NULL AND NOT EXISTS (
            SELECT FROM settlement s WHERE s.chain_id = $1 AND s.auction_id = $2 AND s.attempt > 1)
            AS may
        FROM auction WHERE chain_id = $1 AND id = $2";
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(to_bigint(auction.get())?);
    let row = query.fetch_optional(conn).await?;
    Ok(row.is_some_and(|row| row.try_get("may").unwrap_or(false)))
}

/// The intents that an auction's attempts after number `attempt` took on, but for attempts that ended
/// without a reveal: those let them go.
///
/// # Errors
/// Those of the database.
pub async fn later_intents(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    attempt: u8,
) -> Result<BTreeSet<IntentId>, StoreError> {
    const QUERY: &str = "SELECT bids FROM settlement
        WHERE chain_id = $1 AND auction_id = $2 AND attempt > $3
          AND status NOT IN ('expired', 'failed')";
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(i16::from(attempt))
        .fetch_all(conn)
        .await?;
    let mut intents = BTreeSet::new();
    for row in &rows {
        let Json(bids): Json<Vec<PlannedBid>> = row.try_get("bids")?;
        let fills = bids.iter().flat_map(|bid| &bid.fills);
        intents.extend(fills.map(|fill| fill.intent));
    }
    Ok(intents)
}

/// Takes a second attempt back whose grounds are gone, unless something of it left the house; with
/// it goes what was decided. `true` if there was one.
///
/// # Errors
/// Those of the database.
pub async fn take_back_runner_up(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<bool, StoreError> {
    const BATCH: &str = "DELETE FROM settlement s
        WHERE chain_id = $1 AND auction_id = $2 AND attempt > 1 AND status = 'planned'
          AND NOT EXISTS (SELECT FROM commitment c WHERE c.settlement_id = s.id)";
    const DECISION: &str = "UPDATE auction SET runner_up = NULL
        WHERE chain_id = $1 AND id = $2 AND status = 'decided' AND NOT EXISTS (
            SELECT FROM settlement s WHERE s.chain_id = $1 AND s.auction_id = $2 AND s.attempt > 1)";
    let (chain, number) = (to_bigint(chain_id)?, to_bigint(auction.get())?);
    let batch = sqlx::query(BATCH).bind(chain).bind(number).execute(&mut *conn).await?;
    sqlx::query(DECISION).bind(chain).bind(number).execute(conn).await?;
    Ok(batch.rows_affected() > 0)
}

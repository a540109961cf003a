//! How far a contract's logs were read, and what they told beside the worker's own reveals.
//!
//! A [`Mark`] is a block up to which all is applied, written in the transaction that applies it. The
//! marks of the last blocks are kept: where their hashes are no longer the chain's, everything above
//! is taken back.

mod fills;
mod nonces;
mod penalties;
mod trace;

use alloy::primitives::{Address, B256};
use domain::{
    Amount,
    event::{BlockRef, TxRef},
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{StoreError, from_bigint, to_bigint};

pub use fills::{OtherFill, drop_fill, fills_above, known_commitments, note_fill, reveals_beside};
pub use nonces::{drop_invalidations, note_invalidations, recent_invalidations};
pub use penalties::{Penalties, drop_penalty, note_penalty, penalties, penalties_above};

/// Whose logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The chain.
    pub chain_id: u64,
    /// The contract.
    pub contract: Address,
}

/// A block up to which logs are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The block.
    pub block: BlockRef,
    /// Only its logs with a lower index are applied; `None`: all of them.
    pub logs: Option<u64>,
}

impl Mark {
    /// A block that is applied as a whole.
    #[must_use]
    pub const fn whole(block: BlockRef) -> Self {
        Self { block, logs: None }
    }

    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let logs: Option<i64> = row.try_get("logs")?;
        Ok(Self {
            block: BlockRef {
                number: from_bigint(row.try_get("number")?, "log_mark.number")?,
                hash: word(row, "hash")?,
            },
            logs: logs.map(|logs| from_bigint(logs, "log_mark.logs")).transpose()?,
        })
    }
}

/// The highest mark not above block `number`; `u64::MAX` asks for the newest of all.
///
/// # Errors
/// Those of the database.
pub async fn mark(
    conn: &mut PgConnection,
    scope: Scope,
    number: u64,
) -> Result<Option<Mark>, StoreError> {
    const QUERY: &str = "SELECT number, hash, logs FROM log_mark
        WHERE chain_id = $1 AND contract = $2 AND number <= $3 ORDER BY number DESC LIMIT 1";
    let row = sqlx::query(QUERY)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.as_slice())
        .bind(i64::try_from(number).unwrap_or(i64::MAX))
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(Mark::read).transpose()
}

/// Moves on to `mark`, in the transaction that applied everything up to it; forgets marks and
/// invalidated nonces more than `keep` blocks below it.
///
/// # Errors
/// Those of the database.
pub async fn advance(
    tx: &mut PgConnection,
    scope: Scope,
    mark: Mark,
    keep: u64,
) -> Result<(), StoreError> {
    // a block that was left half applied is whole once a later one is marked
    const QUERY: &str = "WITH wholes AS (
            UPDATE log_mark SET logs = NULL
            WHERE chain_id = $1 AND contract = $2 AND number < $3 AND logs IS NOT NULL)
        INSERT INTO log_mark (chain_id, contract, number, hash, logs) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (chain_id, contract, number)
        DO UPDATE SET hash = excluded.hash, logs = excluded.logs";
    const FORGET: &str = "WITH marks AS (
            DELETE FROM log_mark WHERE chain_id = $1 AND contract = $2 AND number < $3)
        DELETE FROM nonce_invalidation WHERE chain_id = $1 AND contract = $2 AND block_number < $3";
    sqlx::query(QUERY)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.as_slice())
        .bind(to_bigint(mark.block.number)?)
        .bind(mark.block.hash.as_slice())
        .bind(mark.logs.map(to_bigint).transpose()?)
        .execute(&mut *tx)
        .await?;
    sqlx::query(FORGET)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.as_slice())
        .bind(to_bigint(mark.block.number.saturating_sub(keep))?)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Goes back: forgets every mark above block `number`.
///
/// # Errors
/// Those of the database.
pub async fn retreat(tx: &mut PgConnection, scope: Scope, number: u64) -> Result<(), StoreError> {
    const QUERY: &str =
        "DELETE FROM log_mark WHERE chain_id = $1 AND contract = $2 AND number > $3";
    sqlx::query(QUERY)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.as_slice())
        .bind(to_bigint(number)?)
        .execute(tx)
        .await?;
    Ok(())
}

/// A 32-byte column.
fn word(row: &PgRow, column: &'static str) -> Result<B256, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    B256::try_from(bytes).map_err(|_| StoreError::Corrupt(column))
}

fn evidence(row: &PgRow) -> Result<TxRef, StoreError> {
    let number = from_bigint(row.try_get("block_number")?, "block_number")?;
    let block = BlockRef { number, hash: word(row, "block_hash")? };
    Ok(TxRef { tx: word(row, "tx_hash")?, block })
}

fn amount(row: &PgRow, column: &'static str) -> Result<Amount, StoreError> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::Corrupt(column))
}

fn address(row: &PgRow, column: &'static str) -> Result<Address, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    Address::try_from(bytes).map_err(|_| StoreError::Corrupt(column))
}

//! The nonce ledger.

use alloy::primitives::Address;
use sqlx::PgConnection;

use super::row::unsigned;
use crate::pg::{StoreError, to_bigint};

/// The nonce that the settler's next transaction takes; none if it never sent one from here.
///
/// # Errors
/// Those of the database.
pub async fn next_nonce(
    conn: &mut PgConnection,
    chain_id: u64,
    settler: Address,
) -> Result<Option<u64>, StoreError> {
    const QUERY: &str = "SELECT next FROM settler_nonce WHERE chain_id = $1 AND settler = $2";
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(settler.as_slice());
    query.fetch_optional(conn).await?.as_ref().map(|row| unsigned(row, "next")).transpose()
}

/// Raises the ledger to what the chain has seen used; never lowers it.
///
/// # Errors
/// Those of the database.
pub async fn raise_nonce(
    conn: &mut PgConnection,
    chain_id: u64,
    settler: Address,
    at_least: u64,
) -> Result<(), StoreError> {
    const QUERY: &str = "INSERT INTO settler_nonce (chain_id, settler, next) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT settler_nonce_pk
        DO UPDATE SET next = greatest(settler_nonce.next, excluded.next)";
    sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(settler.as_slice())
        .bind(to_bigint(at_least)?)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes `nonce` if it is still the next one. It is signed before it is taken, because signing
/// may be a network call; if another was faster, the caller signs again with the next.
///
/// # Errors
/// Those of the database.
pub async fn take_nonce(
    conn: &mut PgConnection,
    chain_id: u64,
    settler: Address,
    nonce: u64,
) -> Result<bool, StoreError> {
    const QUERY: &str = "UPDATE settler_nonce SET next = next + 1
        WHERE chain_id = $1 AND settler = $2 AND next = $3";
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(settler.as_slice());
    Ok(query.bind(to_bigint(nonce)?).execute(conn).await?.rows_affected() == 1)
}

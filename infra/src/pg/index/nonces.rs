//! Nonces that owners took away, kept as long as their blocks can be taken back.

use alloy::primitives::U256;
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{Scope, address, evidence};
use crate::pg::{StoreError, intent::Invalidation, to_bigint};

/// Notes nonces that owners took away, with the index of each log. A repeat changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn note_invalidations(
    tx: &mut PgConnection,
    scope: Scope,
    seen: &[(u64, Invalidation)],
) -> Result<(), StoreError> {
    const QUERY: &str = "INSERT INTO nonce_invalidation
            (chain_id, contract, block_number, block_hash, tx_hash, log_index, owner, word, mask)
        SELECT $1, $2, number, hash, tx, log, owner, word::numeric, mask::numeric
        FROM UNNEST($3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bytea[], $8::text[],
            $9::text[]) AS seen (number, hash, tx, log, owner, word, mask)
        ON CONFLICT ON CONSTRAINT nonce_invalidation_pk DO NOTHING";
    if seen.is_empty() {
        return Ok(());
    }
    let bytes = |of: fn(&Invalidation) -> &[u8]| seen.iter().map(|(_, one)| of(one)).collect();
    let (hashes, txs, owners): (Vec<_>, Vec<_>, Vec<_>) = (
        bytes(|one| one.evidence.block.hash.as_slice()),
        bytes(|one| one.evidence.tx.as_slice()),
        bytes(|one| one.owner.as_slice()),
    );
    let numbers: Vec<i64> = seen
        .iter()
        .map(|(_, one)| to_bigint(one.evidence.block.number))
        .collect::<Result<_, _>>()?;
    let logs: Vec<i64> = seen.iter().map(|(log, _)| to_bigint(*log)).collect::<Result<_, _>>()?;
    sqlx::query(QUERY)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.as_slice())
        .bind(numbers)
        .bind(hashes)
        .bind(txs)
        .bind(logs)
        .bind(owners)
        .bind(seen.iter().map(|(_, one)| one.word.to_string()).collect::<Vec<_>>())
        .bind(seen.iter().map(|(_, one)| one.mask.to_string()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// The newest invalidations that are still kept, `limit` at most.
///
/// # Errors
/// Those of the database.
pub async fn recent_invalidations(
    conn: &mut PgConnection,
    scope: Scope,
    limit: u32,
) -> Result<Vec<Invalidation>, StoreError> {
    const QUERY: &str = "SELECT owner, word::text AS word, mask::text AS mask, tx_hash,
            block_number, block_hash FROM nonce_invalidation
        WHERE chain_id = $1 AND contract = $2 ORDER BY block_number DESC, log_index DESC LIMIT $3";
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.as_slice())
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    let number = |row: &PgRow, column| -> Result<U256, StoreError> {
        let text: &str = row.try_get(column)?;
        text.parse().map_err(|_| StoreError::Corrupt(column))
    };
    rows.iter()
        .map(|row| {
            Ok(Invalidation {
                owner: address(row, "owner")?,
                word: number(row, "word")?,
                mask: number(row, "mask")?,
                evidence: evidence(row)?,
            })
        })
        .collect()
}

/// Forgets the invalidations above a block.
///
/// # Errors
/// Those of the database.
pub async fn drop_invalidations(
    tx: &mut PgConnection,
    scope: Scope,
    above: u64,
) -> Result<(), StoreError> {
    const QUERY: &str = "DELETE FROM nonce_invalidation
        WHERE chain_id = $1 AND contract = $2 AND block_number > $3";
    sqlx::query(QUERY)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.as_slice())
        .bind(to_bigint(above)?)
        .execute(tx)
        .await?;
    Ok(())
}

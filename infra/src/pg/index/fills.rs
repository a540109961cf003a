//! Fills of our intents by reveals that are not ours, each noted once.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::B256;
use domain::{BidId, IntentId, bid::Fill, event::TxRef};
use sqlx::PgConnection;

use super::{Scope, amount, evidence, trace, word};
use crate::pg::{StoreError, to_bigint};

/// A fill of an intent of ours by a reveal that is not, or that the worker does not go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherFill {
    /// The bid that made it.
    pub bid: BidId,
    /// What it moved.
    pub fill: Fill,
    /// The reveal.
    pub evidence: TxRef,
}

/// Those of `commitments` that this deployment's worker made and still answers for: it records
/// their reveals itself. One that was given up is nobody's, should its reveal be mined after all.
///
/// # Errors
/// Those of the database.
pub async fn known_commitments(
    conn: &mut PgConnection,
    chain_id: u64,
    commitments: &[B256],
) -> Result<BTreeSet<B256>, StoreError> {
    const QUERY: &str = "SELECT commitment.commitment FROM commitment
        JOIN settlement ON settlement.id = commitment.settlement_id
        WHERE commitment.commitment = ANY($2) AND settlement.chain_id = $1
          AND settlement.status NOT IN ('expired', 'failed')";
    if commitments.is_empty() {
        return Ok(BTreeSet::new());
    }
    let wanted: Vec<&[u8]> = commitments.iter().map(|one| one.as_slice()).collect();
    let rows = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(wanted).fetch_all(conn).await?;
    rows.iter().map(|row| word(row, "commitment")).collect()
}

/// The reveals that were written of the same batches under other commitments, by each of
/// `commitments`; one whose batch was committed to once has none.
///
/// # Errors
/// Those of the database.
pub async fn reveals_beside(
    conn: &mut PgConnection,
    chain_id: u64,
    commitments: &BTreeSet<B256>,
) -> Result<BTreeMap<B256, Vec<B256>>, StoreError> {
    const QUERY: &str = "SELECT one.commitment, tx_attempt.hash FROM commitment one
        JOIN settlement ON settlement.id = one.settlement_id
        JOIN commitment other
            ON other.settlement_id = one.settlement_id AND other.commitment <> one.commitment
        JOIN tx_attempt ON tx_attempt.commitment_id = other.id AND tx_attempt.kind = 'reveal'
        WHERE one.commitment = ANY($2) AND settlement.chain_id = $1";
    let mut reveals = BTreeMap::<B256, Vec<B256>>::new();
    if commitments.is_empty() {
        return Ok(reveals);
    }
    let wanted: Vec<&[u8]> = commitments.iter().map(|one| one.as_slice()).collect();
    let rows = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(wanted).fetch_all(conn).await?;
    for row in &rows {
        reveals.entry(word(row, "commitment")?).or_default().push(word(row, "hash")?);
    }
    Ok(reveals)
}

/// Notes a fill; `false` if it was noted before, and must not count again.
///
/// # Errors
/// [`StoreError::Constraint`] `other_fill_intent_known` for an intent that is not ours; those of
/// the database.
pub async fn note_fill(
    tx: &mut PgConnection,
    scope: Scope,
    seen: &OtherFill,
) -> Result<bool, StoreError> {
    const QUERY: &str = "INSERT INTO other_fill (chain_id, contract, block_number, tx_hash, bid_id,
            block_hash, intent_id, sold, bought)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::numeric, $9::text::numeric)
        ON CONFLICT ON CONSTRAINT other_fill_pk DO NOTHING";
    let done = trace::one(QUERY, scope, seen.evidence, seen.bid)?
        .bind(seen.evidence.block.hash.to_vec())
        .bind(seen.fill.intent.as_bytes().to_vec())
        .bind(seen.fill.sold.to_string())
        .bind(seen.fill.bought.to_string())
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The newest fills above a block, `limit` at most.
///
/// # Errors
/// Those of the database.
pub async fn fills_above(
    conn: &mut PgConnection,
    scope: Scope,
    above: u64,
    limit: u32,
) -> Result<Vec<OtherFill>, StoreError> {
    const QUERY: &str = "SELECT bid_id, intent_id, sold::text AS sold, bought::text AS bought,
            tx_hash, block_number, block_hash FROM other_fill
        WHERE chain_id = $1 AND contract = $2 AND block_number > $3
        ORDER BY block_number DESC LIMIT $4";
    let rows = trace::newest_above(QUERY, conn, scope, above, limit).await?;
    rows.iter()
        .map(|row| {
            let fill = Fill {
                intent: IntentId::new(word(row, "intent_id")?),
                sold: amount(row, "sold")?,
                bought: amount(row, "bought")?,
            };
            Ok(OtherFill { bid: BidId::new(word(row, "bid_id")?), fill, evidence: evidence(row)? })
        })
        .collect()
}

/// Forgets a fill.
///
/// # Errors
/// Those of the database.
pub async fn drop_fill(
    tx: &mut PgConnection,
    scope: Scope,
    fill: &OtherFill,
) -> Result<(), StoreError> {
    const QUERY: &str = "DELETE FROM other_fill WHERE chain_id = $1 AND contract = $2
        AND block_number = $3 AND tx_hash = $4 AND bid_id = $5 AND intent_id = $6";
    let query = trace::one(QUERY, scope, fill.evidence, fill.bid)?;
    query.bind(fill.fill.intent.as_bytes().to_vec()).execute(tx).await?;
    Ok(())
}

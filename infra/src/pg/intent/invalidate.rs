//! Leaving the book on chain: an owner takes a nonce away (`invalidateNonces`), and a reorg gives it
//! back.

use std::collections::BTreeSet;

use alloy::primitives::{Address, U256};
use domain::{
    Amount, IntentId,
    event::TxRef,
    status::{IntentEvent, IntentStatus},
};
use serde_json::json;
use sqlx::{PgConnection, Row};

use super::{
    read::{get_for_update, holder_of_nonce},
    row::{StoredIntent, id_of},
    transition::{Landing, Transition, land},
};
use crate::pg::{StoreError, timeline, to_bigint};

/// Nonces that an owner took away in one log: those of a word whose bits are in the mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalidation {
    /// Whose.
    pub owner: Address,
    /// The nonces' upper 248 bits, as logged: anybody can log a word that no nonce has.
    pub word: U256,
    /// Their lower 8 bits, one bit each.
    pub mask: U256,
    /// The log's transaction and block.
    pub evidence: TxRef,
}

/// The live intents that `seen` ends and that are not known to be ended, each with the first
/// evidence for it. A look without a lock: [`invalidate`] decides.
///
/// # Errors
/// Those of the database.
pub async fn of_nonces(
    conn: &mut PgConnection,
    chain_id: u64,
    seen: &[Invalidation],
) -> Result<Vec<(IntentId, TxRef)>, StoreError> {
    // LIMIT: a walk along the index for each word, whatever the planner thinks of their number
    const QUERY: &str = "SELECT live.id, live.bit, word.place
        FROM UNNEST($2::bytea[], $3::text[]) WITH ORDINALITY AS word (owner, word, place)
        CROSS JOIN LATERAL (
            SELECT id, (nonce % 256)::int AS bit FROM intent
            WHERE chain_id = $1 AND owner = word.owner
              AND nonce >= word.word::numeric * 256 AND nonce < (word.word::numeric + 1) * 256
              AND status IN ('open', 'matched', 'committed') AND invalidated IS NULL
            ORDER BY nonce LIMIT 256) AS live
        ORDER BY word.place";
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(seen.iter().map(|one| one.owner.as_slice()).collect::<Vec<_>>())
        .bind(seen.iter().map(|one| one.word.to_string()).collect::<Vec<_>>())
        .fetch_all(conn)
        .await?;
    let (mut ended, mut known) = (Vec::new(), BTreeSet::new());
    for row in &rows {
        let place: i64 = row.try_get("place")?;
        let bit: i32 = row.try_get("bit")?;
        let by = usize::try_from(place - 1).ok().and_then(|place| seen.get(place));
        let (Some(by), Ok(bit)) = (by, usize::try_from(bit)) else {
            return Err(StoreError::Corrupt("intent.nonce"));
        };
        let id = id_of(row)?;
        if by.mask.bit(bit) && known.insert(id) {
            ended.push((id, by.evidence));
        }
    }
    Ok(ended)
}

/// Notes that an intent's nonce is gone: `cancelled` if nothing holds it, else kept until its
/// auction lets it go.
///
/// # Errors
/// Those of the database.
pub async fn invalidate(
    tx: &mut PgConnection,
    chain_id: u64,
    id: IntentId,
    evidence: TxRef,
    now_s: u64,
) -> Result<Transition, StoreError> {
    const NOTE: &str = "UPDATE intent SET invalidated = $2 WHERE id = $1";
    let Some(row) = get_for_update(tx, chain_id, id).await? else {
        return Ok(Transition::Unknown);
    };
    if row.invalidated.is_some() || row.status.is_final() {
        return Ok(Transition::AlreadyApplied);
    }
    sqlx::query(NOTE).bind(id.as_bytes()).bind(json!(evidence)).execute(&mut *tx).await?;
    let row = StoredIntent { invalidated: Some(evidence), ..row };
    if row.auction_id.is_some() {
        let line = timeline::Entry { intent: id, kind: "invalidated", detail: json!(evidence) };
        timeline::append(tx, &[line]).await?;
        return Ok(Transition::Applied(row.status));
    }
    let event = IntentEvent::Invalidate;
    land(tx, chain_id, &row, Landing { event, evidence: Some(evidence), now_s }).await
}

/// The intents whose nonces were taken away above a block, `limit` at most.
///
/// # Errors
/// Those of the database.
pub async fn invalidated_above(
    conn: &mut PgConnection,
    chain_id: u64,
    above: u64,
    limit: u32,
) -> Result<Vec<IntentId>, StoreError> {
    const QUERY: &str = "SELECT id FROM intent
        WHERE chain_id = $1 AND invalidated IS NOT NULL
          AND (invalidated -> 'block' ->> 'number')::bigint > $2
        ORDER BY (invalidated -> 'block' ->> 'number')::bigint LIMIT $3";
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(above)?)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(id_of).collect()
}

/// The block that took an intent's nonce away is gone: it is what it was before. One whose nonce
/// another live intent has by now stays `cancelled`: that one has replaced it.
///
/// # Errors
/// Those of the database; a constraint if such another one is posted at the same moment: it is
/// found by the next attempt.
pub async fn validate_again(
    tx: &mut PgConnection,
    chain_id: u64,
    id: IntentId,
    now_s: u64,
) -> Result<Transition, StoreError> {
    const NOTE: &str = "UPDATE intent SET invalidated = NULL,
        evidence = CASE WHEN status = 'cancelled' THEN NULL ELSE evidence END WHERE id = $1";
    let Some(row) = get_for_update(tx, chain_id, id).await? else {
        return Ok(Transition::Unknown);
    };
    let Some(lost) = row.invalidated else { return Ok(Transition::AlreadyApplied) };
    sqlx::query(NOTE).bind(id.as_bytes()).execute(&mut *tx).await?;
    let detail = json!({ "what": "invalidation", "tx": lost.tx, "block": lost.block });
    timeline::append(tx, &[timeline::Entry { intent: id, kind: "reorged", detail }]).await?;
    let row = StoredIntent { invalidated: None, ..row };
    if row.status != IntentStatus::Cancelled {
        return Ok(Transition::AlreadyApplied);
    }
    let nonce = Amount::new(row.intent.nonce());
    if holder_of_nonce(tx, chain_id, row.intent.owner(), nonce).await?.is_some() {
        return Ok(Transition::AlreadyApplied);
    }
    let event = IntentEvent::InvalidateReorged;
    land(tx, chain_id, &row, Landing { event, evidence: None, now_s }).await
}

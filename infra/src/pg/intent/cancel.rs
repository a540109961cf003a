//! Leaving the book by the owner's word or by the clock.

use std::collections::HashMap;

use alloy::primitives::Address;
use domain::{
    AuctionId, IntentId,
    event::{Event, IntentGone},
    status::{IntentEvent, IntentStatus, Step},
};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    read::get_many_for_update,
    row::{StoredIntent, id_of, sorted},
};
use crate::pg::{Hold, StoreError, event, market_lock, timeline, to_bigint};

/// The honest answer to a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It is in no auction and will be in none.
    Cancelled,
    /// An auction holds it. The wish is kept and applied the moment it comes out unfilled.
    TooLate {
        /// That auction.
        auction_id: Option<AuctionId>,
        /// Where it stands.
        status: IntentStatus,
    },
    /// It had ended before.
    AlreadyFinal(IntentStatus),
    /// No such intent.
    Unknown,
    /// It is somebody else's.
    NotOwner,
}

/// Cancels what can be cancelled of `ids`; answers in their order. Opens with the market's lock
/// in its shared form: no cut runs between the look at a row and its change.
///
/// # Errors
/// Those of the database; then nothing is cancelled.
pub async fn cancel(
    tx: &mut PgConnection,
    chain_id: u64,
    owner: Address,
    ids: &[IntentId],
) -> Result<Vec<CancelOutcome>, StoreError> {
    market_lock(tx, chain_id, Hold::Shared).await?;
    let rows = get_many_for_update(tx, chain_id, ids).await?;
    let outcomes: HashMap<IntentId, (CancelOutcome, bool)> =
        rows.iter().map(|row| (row.id, (outcome(row, owner), row.cancel_requested))).collect();
    let chosen = |want: fn(CancelOutcome, bool) -> bool| -> Vec<IntentId> {
        let wanted = outcomes.iter().filter(|(_, (outcome, asked))| want(*outcome, *asked));
        wanted.map(|(id, _)| *id).collect()
    };
    const CANCEL: &str = "UPDATE intent SET status = 'cancelled' WHERE id = ANY($1)";
    const REQUEST: &str = "UPDATE intent SET cancel_requested = true WHERE id = ANY($1)";
    let gone = chosen(|outcome, _| outcome == CancelOutcome::Cancelled);
    let late = chosen(|outcome, asked| !asked && matches!(outcome, CancelOutcome::TooLate { .. }));
    // cancelled by a log that a reorg may take back: the wish is kept, it must not come back then
    let kept = rows.iter().filter(|row| {
        row.intent.owner() == owner
            && row.status == IntentStatus::Cancelled
            && row.invalidated.is_some()
    });
    let kept: Vec<IntentId> = kept.map(|row| row.id).collect();
    if !gone.is_empty() {
        sqlx::query(CANCEL).bind(sorted(&gone)).execute(&mut *tx).await?;
        note(tx, &gone, "cancelled").await?;
        let events: Vec<_> =
            gone.iter().map(|id| Event::IntentCancelled(IntentGone { id: *id })).collect();
        event::append(tx, chain_id, &events).await?;
    }
    if !kept.is_empty() {
        sqlx::query(REQUEST).bind(sorted(&kept)).execute(&mut *tx).await?;
    }
    if !late.is_empty() {
        sqlx::query(REQUEST).bind(sorted(&late)).execute(&mut *tx).await?;
        note(tx, &late, "cancel_requested").await?;
    }
    let answer = |id| outcomes.get(id).map_or(CancelOutcome::Unknown, |(outcome, _)| *outcome);
    Ok(ids.iter().map(answer).collect())
}

fn outcome(row: &StoredIntent, owner: Address) -> CancelOutcome {
    if row.intent.owner() != owner {
        return CancelOutcome::NotOwner;
    }
    if row.status.is_final() {
        return CancelOutcome::AlreadyFinal(row.status);
    }
    match row.status.on(IntentEvent::Cancel) {
        Step::To(_) | Step::Stay if row.auction_id.is_none() => CancelOutcome::Cancelled,
        Step::To(_) | Step::Stay | Step::Refuse => {
            CancelOutcome::TooLate { auction_id: row.auction_id, status: row.status }
        }
    }
}

async fn note(
    tx: &mut PgConnection,
    ids: &[IntentId],
    kind: &'static str,
) -> Result<(), StoreError> {
    let lines: Vec<_> = ids
        .iter()
        .map(|intent| timeline::Entry { intent: *intent, kind, detail: json!({}) })
        .collect();
    timeline::append(tx, &lines).await
}

/// Ends up to `limit` open intents in no auction whose `validTo` lies before `now_s` (Unix
/// seconds), oldest first; returns them. Several statements: call it in a transaction.
///
/// # Errors
/// Those of the database.
pub async fn expire_due(
    tx: &mut PgConnection,
    chain_id: u64,
    now_s: u64,
    limit: u32,
) -> Result<Vec<IntentId>, StoreError> {
    // SKIP LOCKED: a row being cut or cancelled is looked at again by the next sweep
    const QUERY: &str = "UPDATE intent SET status = 'expired' WHERE id IN (
            SELECT id FROM intent
            WHERE status = 'open' AND valid_to < $2 AND auction_id IS NULL AND chain_id = $1
            ORDER BY valid_to LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING id";
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(now_s)?)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
    let gone = rows.iter().map(id_of).collect::<Result<Vec<_>, _>>()?;
    if !gone.is_empty() {
        note(tx, &gone, "expired").await?;
        let events: Vec<_> =
            gone.iter().map(|id| Event::IntentExpired(IntentGone { id: *id })).collect();
        event::append(tx, chain_id, &events).await?;
    }
    Ok(gone)
}

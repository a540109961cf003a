//! Fills that whoever has the intent did not make: another settler of the same contract, or a batch of
//! ours that came back after it was given up. An auction or a batch that has the intent runs on, and
//! finds out.

use domain::{
    Amount,
    event::TxRef,
    status::{IntentEvent, IntentStatus, SettlementStatus, Step},
};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    read::holder_of_nonce,
    row::StoredIntent,
    transition::{Fill, Landing, Transition, add, land, subtract, tell},
};
use crate::pg::{StoreError, settlement};

/// Adds a fill that no batch which has the intent made: `filled` if nothing is left. A part of an
/// intent that a batch of ours has leaves it there. Adds every time it is called: the same transaction
/// must note the fill as new.
///
/// # Errors
/// Those of the database.
pub async fn fill_elsewhere(
    tx: &mut PgConnection,
    chain_id: u64,
    fill: Fill,
) -> Result<Transition, StoreError> {
    let Some((row, complete)) = add(tx, chain_id, &fill).await? else {
        return Ok(Transition::Unknown);
    };
    if complete {
        let landing =
            Landing { event: IntentEvent::Fill, evidence: Some(fill.evidence), now_s: fill.now_s };
        return land(tx, chain_id, &row, landing).await;
    }
    tell_rest(tx, chain_id, &row).await?;
    Ok(Transition::AlreadyApplied)
}

/// Takes such a fill back. What it had completed is in the book again, or where a batch of ours
/// that still has it stands.
///
/// # Errors
/// Those of the database; a constraint if another intent with its nonce is live: as for
/// [`validate_again`], it then stays as it is.
pub async fn unfill_elsewhere(
    tx: &mut PgConnection,
    chain_id: u64,
    fill: Fill,
) -> Result<Transition, StoreError> {
    let Some(row) = subtract(tx, chain_id, &fill).await? else {
        return Ok(Transition::Unknown);
    };
    if row.status != IntentStatus::Filled {
        tell_rest(tx, chain_id, &row).await?;
        return Ok(Transition::AlreadyApplied);
    }
    if row.filled >= row.intent.exact_amount() {
        // the same fill, which the chain took back and mined anew, was counted in its new place before
        return Ok(Transition::AlreadyApplied);
    }
    let nonce = Amount::new(row.intent.nonce());
    if holder_of_nonce(tx, chain_id, row.intent.owner(), nonce).await?.is_some() {
        return Ok(Transition::AlreadyApplied);
    }
    if let Some((status, evidence)) = in_batch(tx, chain_id, &row).await? {
        const BACK: &str =
            "UPDATE intent SET status = $2, evidence = $3 WHERE id = $1 AND status = 'filled'";
        sqlx::query(BACK)
            .bind(row.id.as_bytes())
            .bind(status.as_str())
            .bind(evidence.map(|tx| json!(tx)))
            .execute(tx)
            .await?;
        return Ok(Transition::Applied(status));
    }
    const FORGET: &str = "UPDATE intent SET evidence = NULL WHERE id = $1";
    sqlx::query(FORGET).bind(row.id.as_bytes()).execute(&mut *tx).await?;
    let event = IntentEvent::OtherFillReorged;
    land(tx, chain_id, &row, Landing { event, evidence: None, now_s: fill.now_s }).await
}

/// Tells how much is left of an intent that stays in the book.
async fn tell_rest(
    tx: &mut PgConnection,
    chain_id: u64,
    row: &StoredIntent,
) -> Result<(), StoreError> {
    match row.status {
        IntentStatus::Open => tell(tx, chain_id, row, IntentStatus::Open).await,
        IntentStatus::Matched
        | IntentStatus::Committed
        | IntentStatus::Filled
        | IntentStatus::Cancelled
        | IntentStatus::Expired => Ok(()),
    }
}

/// Where the intent stands in a batch of ours that is under way, with the evidence for it; the
/// table says it, from `filled` on.
async fn in_batch(
    tx: &mut PgConnection,
    chain_id: u64,
    row: &StoredIntent,
) -> Result<Option<(IntentStatus, Option<TxRef>)>, StoreError> {
    let Some(auction) = row.auction_id else { return Ok(None) };
    let batches = settlement::of_auction(tx, chain_id, auction).await?;
    // one that ended unrevealed let it go
    let ended = |status| matches!(status, SettlementStatus::Expired | SettlementStatus::Failed);
    let has = |batch: &&settlement::SettlementRow| {
        !ended(batch.status) && batch.intents().contains(&row.id)
    };
    let Some(batch) = batches.iter().rev().find(has) else { return Ok(None) };
    let mut events = vec![IntentEvent::OtherFillReorged];
    match batch.status {
        SettlementStatus::Planned | SettlementStatus::CommitSent => {
            events.push(IntentEvent::Match);
        }
        SettlementStatus::Committed | SettlementStatus::RevealSent => {
            events.extend([IntentEvent::Match, IntentEvent::Commit]);
        }
        SettlementStatus::Revealed
        | SettlementStatus::Final
        | SettlementStatus::Expired
        | SettlementStatus::Failed => return Ok(None),
    }
    let status = events.into_iter().fold(row.status, |status, event| match status.on(event) {
        Step::To(next) => next,
        Step::Stay | Step::Refuse => status,
    });
    let commit = |attempt: &settlement::Attempt| {
        let mined = attempt.status == settlement::AttemptStatus::Mined;
        (mined && attempt.kind == settlement::TxKind::Commit).then_some(())?;
        Some(TxRef { tx: attempt.hash, block: attempt.block? })
    };
    let evidence = match status == IntentStatus::Committed {
        true => settlement::attempts(tx, batch.id).await?.iter().rev().find_map(commit),
        false => None,
    };
    Ok(Some((status, evidence)))
}

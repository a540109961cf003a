//! What the chain says about intents: the domain's table, applied by compare-and-set.

use domain::{
    Amount, IntentId,
    event::{Event, IntentGone, TxRef},
    intent::Kind,
    status::{IntentEvent, IntentStatus, Step},
};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{
    read::{get_for_update, get_many_for_update},
    row::StoredIntent,
};
use crate::pg::{StoreError, event, timeline};

/// An event that happens to several intents at once.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// To whom.
    pub intents: &'a [IntentId],
    /// What.
    pub event: IntentEvent,
    /// The transaction and block that show it; kept on the row.
    pub evidence: Option<TxRef>,
    /// Unix seconds: decides whether an intent that is free again has expired.
    pub now_s: u64,
}

/// A fill seen in a log, or a log that is gone.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// The intent.
    pub intent: IntentId,
    /// Sold in this fill.
    pub sold: Amount,
    /// Bought in this fill.
    pub bought: Amount,
    /// The reveal that shows it.
    pub evidence: TxRef,
    /// Unix seconds, as in [`Change`].
    pub now_s: u64,
}

/// What an event did to an intent.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// It stands here now.
    Applied(IntentStatus),
    /// It was so before.
    AlreadyApplied,
    /// The event contradicts where it stands: nothing was changed, and somebody should know.
    Refused(IntentStatus),
    /// There is no such intent.
    Unknown,
}

impl Transition {
    /// Where it stands now, if the event moved it.
    #[must_use]
    pub const fn status(self) -> Option<IntentStatus> {
        match self {
            Self::Applied(status) => Some(status),
            Self::AlreadyApplied | Self::Refused(_) | Self::Unknown => None,
        }
    }
}

/// Applies an event; the answers are in the order of the ids. An intent that becomes free goes
/// to `cancelled` if that was asked for or its nonce is gone, and to `expired` if its time is over; whatever enters
/// or leaves the book is told on the stream.
///
/// # Errors
/// Those of the database.
pub async fn apply(
    tx: &mut PgConnection,
    chain_id: u64,
    change: Change<'_>,
) -> Result<Vec<(IntentId, Transition)>, StoreError> {
    let rows = get_many_for_update(tx, chain_id, change.intents).await?;
    let landing = Landing { event: change.event, evidence: change.evidence, now_s: change.now_s };
    let mut answers = Vec::with_capacity(change.intents.len());
    for id in change.intents {
        let transition = match rows.iter().find(|row| row.id == *id) {
            Some(row) => land(tx, chain_id, row, landing).await?,
            None => Transition::Unknown,
        };
        answers.push((*id, transition));
    }
    Ok(answers)
}

/// Adds a fill: `filled` if nothing is left, else free again. Adds every time it is called, so
/// the same transaction must compare-and-set the settlement that shows it.
///
/// # Errors
/// Those of the database.
pub async fn fill(
    tx: &mut PgConnection,
    chain_id: u64,
    fill: Fill,
) -> Result<Transition, StoreError> {
    let Some((row, complete)) = add(tx, chain_id, &fill).await? else {
        return Ok(Transition::Unknown);
    };
    let event = if complete { IntentEvent::Fill } else { IntentEvent::FillPart };
    let evidence = Some(fill.evidence);
    land(tx, chain_id, &row, Landing { event, evidence, now_s: fill.now_s }).await
}

/// Takes a fill back whose block is no longer canonical.
///
/// # Errors
/// Those of the database.
pub async fn unfill(
    tx: &mut PgConnection,
    chain_id: u64,
    fill: Fill,
) -> Result<Transition, StoreError> {
    let Some(row) = subtract(tx, chain_id, &fill).await? else {
        return Ok(Transition::Unknown);
    };
    let landing = Landing { event: IntentEvent::FillReorged, evidence: None, now_s: fill.now_s };
    land(tx, chain_id, &row, landing).await
}

/// Locks the row and counts the fill: the row with it, and whether nothing is left to fill. `None` if
/// there is no such intent.
pub(super) async fn add(
    tx: &mut PgConnection,
    chain_id: u64,
    fill: &Fill,
) -> Result<Option<(StoredIntent, bool)>, StoreError> {
    let Some(row) = get_for_update(tx, chain_id, fill.intent).await? else { return Ok(None) };
    let whole = row.intent.exact_amount();
    // the contract fills no more than the whole
    let filled = row.filled.checked_add(exact_side(&row, fill)).unwrap_or(whole);
    let complete = !row.intent.partially_fillable() || filled >= whole;
    set_filled(tx, fill.intent, filled).await?;
    Ok(Some((StoredIntent { filled, ..row }, complete)))
}

/// The same backwards: the row without the fill.
pub(super) async fn subtract(
    tx: &mut PgConnection,
    chain_id: u64,
    fill: &Fill,
) -> Result<Option<StoredIntent>, StoreError> {
    let Some(row) = get_for_update(tx, chain_id, fill.intent).await? else { return Ok(None) };
    let filled = row.filled.saturating_sub(exact_side(&row, fill));
    set_filled(tx, fill.intent, filled).await?;
    Ok(Some(StoredIntent { filled, ..row }))
}

fn exact_side(row: &StoredIntent, fill: &Fill) -> Amount {
    match row.intent.kind() {
        Kind::ExactIn => fill.sold,
        Kind::ExactOut => fill.bought,
    }
}

async fn set_filled(tx: &mut PgConnection, id: IntentId, filled: Amount) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE intent SET filled = $2::text::numeric WHERE id = $1";
    sqlx::query(QUERY).bind(id.as_bytes()).bind(filled.to_string()).execute(tx).await?;
    Ok(())
}

/// An event on its way to one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Landing {
    pub(super) event: IntentEvent,
    pub(super) evidence: Option<TxRef>,
    pub(super) now_s: u64,
}

/// Applies an event to a locked row.
pub(super) async fn land(
    tx: &mut PgConnection,
    chain_id: u64,
    row: &StoredIntent,
    landing: Landing,
) -> Result<Transition, StoreError> {
    let free = |status: IntentStatus| match status {
        IntentStatus::Open => resting_place(row, landing.now_s),
        other => other,
    };
    let status = match row.status.on(landing.event) {
        Step::To(next) => free(next),
        // in the book already, but let go by its auction
        Step::Stay if landing.event == IntentEvent::Release => free(row.status),
        Step::Stay => return Ok(Transition::AlreadyApplied),
        Step::Refuse => return Ok(Transition::Refused(row.status)),
    };
    const QUERY: &str = "UPDATE intent SET status = $3, evidence = coalesce($4, evidence),
            auction_id = CASE WHEN $3 IN ('open', 'cancelled', 'expired') THEN NULL
                              ELSE auction_id END
        WHERE id = $1 AND status = $2";
    let gone = row.invalidated.filter(|_| status == IntentStatus::Cancelled);
    let evidence: Option<Value> = landing.evidence.or(gone).map(|tx| json!(tx));
    sqlx::query(QUERY)
        .bind(row.id.as_bytes())
        .bind(row.status.as_str())
        .bind(status.as_str())
        .bind(evidence)
        .execute(&mut *tx)
        .await?;
    if status != row.status {
        tell(tx, chain_id, row, status).await?;
    }
    Ok(Transition::Applied(status))
}

/// Where an intent goes that nothing holds any more.
fn resting_place(row: &StoredIntent, now_s: u64) -> IntentStatus {
    let open = IntentStatus::Open;
    let leave = if row.invalidated.is_some() {
        IntentEvent::Invalidate
    } else if row.cancel_requested {
        IntentEvent::Cancel
    } else if u64::from(row.intent.valid_to()) < now_s {
        IntentEvent::Expire
    } else {
        return open;
    };
    match open.on(leave) {
        Step::To(next) => next,
        Step::Stay | Step::Refuse => open,
    }
}

/// What the public hears of it. `filled` is told by the settlement, with its numbers.
pub(super) async fn tell(
    tx: &mut PgConnection,
    chain_id: u64,
    row: &StoredIntent,
    status: IntentStatus,
) -> Result<(), StoreError> {
    let gone = IntentGone { id: row.id };
    let (event, kind) = match status {
        IntentStatus::Open => (row.opened(), "reopened"),
        IntentStatus::Cancelled => (Event::IntentCancelled(gone), "cancelled"),
        IntentStatus::Expired => (Event::IntentExpired(gone), "expired"),
        IntentStatus::Matched | IntentStatus::Committed | IntentStatus::Filled => return Ok(()),
    };
    let detail = match row.invalidated.filter(|_| status == IntentStatus::Cancelled) {
        Some(by) => json!(by),
        None => json!({}),
    };
    timeline::append(tx, &[timeline::Entry { intent: row.id, kind, detail }]).await?;
    event::append(tx, chain_id, &[event]).await
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use domain::event::BlockRef;

    use super::*;

    fn row(status: IntentStatus, cancel_requested: bool) -> StoredIntent {
        let message = json!({
            "owner": "0x1111111111111111111111111111111111111111",
            "sellToken": "0x2222222222222222222222222222222222222222",
            "buyToken": "0x3333333333333333333333333333333333333333",
            "sellAmount": "1000", "buyAmount": "900", "nonce": "0",
            "validTo": 1_500, "kind": 0, "partiallyFillable": true,
        });
        StoredIntent {
            id: IntentId::new(B256::repeat_byte(1)),
            intent: serde_json::from_value(message).unwrap(),
            signature: alloy::primitives::Bytes::new(),
            erc1271: false,
            status,
            filled: Amount::ZERO,
            auction_id: None,
            cancel_requested,
            invalidated: None,
            evidence: None,
            created_at_ms: 0,
            arrival: 1,
        }
    }

    #[test]
    fn a_freed_intent_rests_where_its_owner_or_the_clock_wants_it() {
        let matched = |asked| row(IntentStatus::Matched, asked);
        assert_eq!(resting_place(&matched(false), 1_500), IntentStatus::Open);
        assert_eq!(resting_place(&matched(false), 1_501), IntentStatus::Expired);
        assert_eq!(resting_place(&matched(true), 1_501), IntentStatus::Cancelled);
        let block = BlockRef { number: 1, hash: B256::repeat_byte(1) };
        let invalidated = Some(TxRef { tx: B256::repeat_byte(2), block });
        let gone = StoredIntent { invalidated, ..matched(false) };
        assert_eq!(resting_place(&gone, 1_500), IntentStatus::Cancelled);
    }
}

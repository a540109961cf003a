//! New intents: in groups, one statement each, together with their event and their first line.

use std::collections::HashSet;

use alloy::primitives::Bytes;
use domain::{
    Amount, Intent, IntentId,
    event::{Event, IntentGone, IntentOpened},
    status::IntentStatus,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    read::{get_for_update, get_many, holder_of_nonce},
    row::{StoredIntent, id_of},
};
use crate::pg::{Hold, StoreError, event, market_lock, timeline, to_bigint};

/// An intent that passed every check and is to be kept.
#[derive(Clone, Debug)]
pub struct NewIntent {
    /// Its EIP-712 digest.
    pub id: IntentId,
    /// What the owner signed.
    pub intent: Intent,
    /// The signature as sent.
    pub signature: Bytes,
    /// Whether the owner's contract vouched for it.
    pub erc1271: bool,
    /// When it was accepted, Unix milliseconds.
    pub created_at_ms: u64,
}

/// What became of a [`NewIntent`].
#[derive(Clone, Debug)]
pub enum Inserted {
    /// It is in the book, and its event in the outbox.
    New,
    /// It was there already.
    Repeated(Box<StoredIntent>),
    /// Another live intent of this owner has the nonce; `None` if that one ended meanwhile.
    NonceTaken {
        /// The other intent.
        by: Option<IntentId>,
    },
}

/// What became of an attempt to replace an intent.
#[derive(Clone, Debug)]
pub enum Replaced {
    /// The old one is cancelled, and this became of the new one.
    Done(Inserted),
    /// The old one is unknown, or has another owner or nonce.
    NotItsTwin,
    /// The old one is in an auction or in flight, or has ended.
    TooLate(Box<StoredIntent>),
}

/// Writes intents, their `intent.opened` events and first timeline lines in one statement. The
/// answers are in the order of `new`.
///
/// # Errors
/// Those of the database; then none of the rows is written.
pub async fn insert(
    conn: &mut PgConnection,
    chain_id: u64,
    new: &[NewIntent],
) -> Result<Vec<Inserted>, StoreError> {
    let mut seen = HashSet::with_capacity(new.len());
    let mut rows: Vec<&NewIntent> = new.iter().filter(|intent| seen.insert(intent.id)).collect();
    rows.sort_unstable_by_key(|intent| intent.id);
    let mut added = write(conn, chain_id, &rows).await?;
    let mut answers = Vec::with_capacity(new.len());
    if added.len() == new.len() {
        answers.resize_with(new.len(), || Inserted::New);
        return Ok(answers);
    }
    let others: Vec<IntentId> =
        rows.iter().map(|intent| intent.id).filter(|id| !added.contains(id)).collect();
    let known = get_many(conn, chain_id, &others).await?;
    for intent in new {
        answers.push(if added.remove(&intent.id) {
            Inserted::New
        } else if let Some(row) = known.iter().find(|row| row.id == intent.id) {
            Inserted::Repeated(Box::new(row.clone()))
        } else if let Some(row) = super::get(conn, chain_id, intent.id).await? {
            // sent twice in this very group
            Inserted::Repeated(Box::new(row))
        } else {
            let nonce = Amount::new(intent.intent.nonce());
            let by = holder_of_nonce(conn, chain_id, intent.intent.owner(), nonce).await?;
            Inserted::NonceTaken { by }
        });
    }
    Ok(answers)
}

/// Cancels the open intent `old` and inserts `new`, which has the same owner and nonce: both or
/// neither. Opens with the market's lock, so `old` is never both replaced and in an auction.
///
/// # Errors
/// Those of the database.
pub async fn replace(
    tx: &mut PgConnection,
    chain_id: u64,
    old: IntentId,
    new: NewIntent,
) -> Result<Replaced, StoreError> {
    market_lock(tx, chain_id, Hold::Shared).await?;
    if let Some(row) = super::get(tx, chain_id, new.id).await? {
        return Ok(Replaced::Done(Inserted::Repeated(Box::new(row))));
    }
    let Some(row) = get_for_update(tx, chain_id, old).await? else {
        return Ok(Replaced::NotItsTwin);
    };
    let twins = row.intent.owner() == new.intent.owner()
        && row.intent.nonce() == new.intent.nonce()
        && row.id != new.id;
    if !twins {
        return Ok(Replaced::NotItsTwin);
    }
    if row.status != IntentStatus::Open || row.auction_id.is_some() {
        return Ok(Replaced::TooLate(Box::new(row)));
    }
    const CANCEL: &str = "UPDATE intent SET status = 'cancelled' WHERE id = $1 AND status = 'open'";
    sqlx::query(CANCEL).bind(old.as_bytes()).execute(&mut *tx).await?;
    let line = timeline::Entry { intent: old, kind: "replaced", detail: json!({ "by": new.id }) };
    timeline::append(tx, &[line]).await?;
    event::append(tx, chain_id, &[Event::IntentCancelled(IntentGone { id: old })]).await?;
    let answer = insert(tx, chain_id, &[new]).await?.pop();
    answer.map(Replaced::Done).ok_or(StoreError::Corrupt("intent: an insert without an answer"))
}

/// One statement; the ids that were not there before. The rows come sorted, so that two groups
/// with the same nonces wait for each other in one order.
async fn write(
    conn: &mut PgConnection,
    chain_id: u64,
    rows: &[&NewIntent],
) -> Result<HashSet<IntentId>, StoreError> {
    const QUERY: &str = "WITH given AS (
            SELECT * FROM UNNEST($2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[],
                $7::text[], $8::text[], $9::text[], $10::bigint[], $11::smallint[], $12::boolean[],
                $13::bytea[], $14::bytea[], $15::boolean[], $16::bigint[], $17::text[])
            AS given (id, owner, receiver, sell_token, buy_token, sell_amount, buy_amount, nonce,
                valid_to, kind, partially_fillable, app_data, signature, erc1271, created_at_ms, body)
        ), added AS (
            INSERT INTO intent (id, chain_id, owner, receiver, sell_token, buy_token, sell_amount,
                buy_amount, nonce, valid_to, kind, partially_fillable, app_data, signature, erc1271,
                created_at_ms)
            SELECT id, $1, owner, receiver, sell_token, buy_token, sell_amount::numeric,
                buy_amount::numeric, nonce::numeric, valid_to, kind, partially_fillable, app_data,
                signature, erc1271, created_at_ms
            FROM given ON CONFLICT DO NOTHING
            RETURNING id
        ), told AS (
            INSERT INTO event (chain_id, kind, body)
            SELECT $1, 'intent.opened', body::jsonb FROM given JOIN added USING (id)
        ), noted AS (
            INSERT INTO timeline (intent_id, kind, detail) SELECT id, 'opened', '{}' FROM added
        )
        SELECT added.id, woken.up
        FROM added, (SELECT pg_notify($18, $1::text)::text AS up) AS woken";
    let bodies = rows.iter().map(|new| opened(new)).collect::<Result<Vec<_>, _>>()?;
    let all = |of: fn(&NewIntent) -> Vec<u8>| rows.iter().map(|new| of(new)).collect::<Vec<_>>();
    let text = |of: fn(&Intent) -> Amount| -> Vec<String> {
        rows.iter().map(|new| of(&new.intent).to_string()).collect()
    };
    let created =
        rows.iter().map(|new| to_bigint(new.created_at_ms)).collect::<Result<Vec<_>, _>>()?;
    let added = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(rows.iter().map(|new| new.id.as_bytes()).collect::<Vec<_>>())
        .bind(all(|new| new.intent.owner().to_vec()))
        .bind(all(|new| new.intent.signed_receiver().to_vec()))
        .bind(all(|new| new.intent.pair().sell.to_vec()))
        .bind(all(|new| new.intent.pair().buy.to_vec()))
        .bind(text(Intent::sell_amount))
        .bind(text(Intent::buy_amount))
        .bind(text(|intent| Amount::new(intent.nonce())))
        .bind(rows.iter().map(|new| i64::from(new.intent.valid_to())).collect::<Vec<_>>())
        .bind(rows.iter().map(|new| i16::from(u8::from(new.intent.kind()))).collect::<Vec<_>>())
        .bind(rows.iter().map(|new| new.intent.partially_fillable()).collect::<Vec<_>>())
        .bind(all(|new| new.intent.app_data().to_vec()))
        .bind(rows.iter().map(|new| new.signature.as_ref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|new| new.erc1271).collect::<Vec<_>>())
        .bind(created)
        .bind(bodies)
        .bind(event::CHANNEL)
        .fetch_all(conn)
        .await?;
    added.iter().map(id_of).collect()
}

fn opened(new: &NewIntent) -> Result<String, StoreError> {
    let body = IntentOpened {
        id: new.id,
        intent: new.intent.clone(),
        filled: Amount::ZERO,
        created_at_ms: new.created_at_ms,
    };
    serde_json::to_string(&body).map_err(|_| StoreError::Corrupt("intent.opened"))
}

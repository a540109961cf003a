//! The public history of every intent: what happened to it and why.

use domain::IntentId;
use serde_json::Value;
use sqlx::{PgConnection, Row};

use super::{StoreError, from_bigint};

/// One line to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose history.
    pub intent: IntentId,
    /// What happened, a stable name.
    pub kind: &'static str,
    /// The numbers that belong to it: a JSON object.
    pub detail: Value,
}

/// One line as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When, Unix milliseconds of the database's clock.
    pub at_ms: u64,
    /// What happened, a stable name.
    pub kind: String,
    /// The numbers that belong to it.
    pub detail: Value,
}

/// Writes lines, in this order.
///
/// # Errors
/// [`StoreError::Constraint`] `timeline_intent_known` for an unknown intent; those of the database.
pub async fn append(conn: &mut PgConnection, entries: &[Entry]) -> Result<(), StoreError> {
    const QUERY: &str = "INSERT INTO timeline (intent_id, kind, detail)
        SELECT intent_id, kind, detail::jsonb
        FROM UNNEST($1::bytea[], $2::text[], $3::text[]) WITH ORDINALITY
             AS line (intent_id, kind, detail, n)
        ORDER BY n";
    if entries.is_empty() {
        return Ok(());
    }
    let ids: Vec<&[u8]> = entries.iter().map(|entry| entry.intent.as_bytes()).collect();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind).collect();
    let details: Vec<String> = entries.iter().map(|entry| entry.detail.to_string()).collect();
    sqlx::query(QUERY).bind(ids).bind(kinds).bind(details).execute(conn).await?;
    Ok(())
}

/// The oldest `limit` lines of an intent after line number `after` (0 = from the start), with
/// their numbers.
///
/// # Errors
/// Those of the database.
pub async fn of(
    conn: &mut PgConnection,
    intent: IntentId,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, Line)>, StoreError> {
    const QUERY: &str = "SELECT id, at_ms, kind, detail FROM timeline
        WHERE intent_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let rows = sqlx::query(QUERY)
        .bind(intent.as_bytes())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let at_ms: i64 = row.try_get("at_ms")?;
            let line = Line {
                at_ms: from_bigint(at_ms, "timeline.at_ms")?,
                kind: row.try_get("kind")?,
                detail: row.try_get("detail")?,
            };
            Ok((row.try_get("id")?, line))
        })
        .collect()
}

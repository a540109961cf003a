//! Why open intents are in no auction.

use domain::IntentId;
use serde_json::Value;
use sqlx::PgConnection;

use crate::pg::StoreError;

/// Tells intents why they were left out of an auction; `detail` holds a stable `reason`. An intent
/// whose latest line says so already is not told again: the book is looked at every few seconds.
///
/// # Errors
/// Those of the database.
pub async fn note_left_out(
    conn: &mut PgConnection,
    left_out: &[(IntentId, Value)],
) -> Result<(), StoreError> {
    const QUERY: &str = "INSERT INTO timeline (intent_id, kind, detail)
        SELECT said.id, 'left_out', said.detail::jsonb
        FROM UNNEST($1::bytea[], $2::text[]) AS said (id, detail)
        LEFT JOIN LATERAL (
            SELECT kind, detail FROM timeline WHERE intent_id = said.id ORDER BY id DESC LIMIT 1
        ) AS latest ON true
        WHERE latest.kind IS DISTINCT FROM 'left_out'
           OR latest.detail -> 'reason' IS DISTINCT FROM said.detail::jsonb -> 'reason'";
    if left_out.is_empty() {
        return Ok(());
    }
    sqlx::query(QUERY)
        .bind(left_out.iter().map(|(id, _)| id.as_bytes()).collect::<Vec<_>>())
        .bind(left_out.iter().map(|(_, detail)| detail.to_string()).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(())
}

//! Reading the book.

use alloy::primitives::Address;
use domain::{Amount, IntentId, status::IntentStatus};
use sqlx::PgConnection;

use super::row::{StoredIntent, columns, id_of, sorted};
use crate::pg::{StoreError, to_bigint};

/// Which intents a listing shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only this owner's.
    pub owner: Option<Address>,
    /// Only with this status.
    pub status: Option<IntentStatus>,
}

/// One intent.
///
/// # Errors
/// Those of the database.
pub async fn get(
    conn: &mut PgConnection,
    chain_id: u64,
    id: IntentId,
) -> Result<Option<StoredIntent>, StoreError> {
    const QUERY: &str =
        concat!("SELECT ", columns!(), " FROM intent WHERE id = $1 AND chain_id = $2");
    let row = sqlx::query(QUERY)
        .bind(id.as_bytes())
        .bind(to_bigint(chain_id)?)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(StoredIntent::read).transpose()
}

/// Those of `ids` that are known, by id.
///
/// # Errors
/// Those of the database.
pub async fn get_many(
    conn: &mut PgConnection,
    chain_id: u64,
    ids: &[IntentId],
) -> Result<Vec<StoredIntent>, StoreError> {
    const QUERY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM intent WHERE id = ANY($1) AND chain_id = $2 ORDER BY id"
    );
    let rows =
        sqlx::query(QUERY).bind(sorted(ids)).bind(to_bigint(chain_id)?).fetch_all(conn).await?;
    rows.iter().map(StoredIntent::read).collect()
}

/// The same, each row locked until the transaction ends.
pub(super) async fn get_many_for_update(
    tx: &mut PgConnection,
    chain_id: u64,
    ids: &[IntentId],
) -> Result<Vec<StoredIntent>, StoreError> {
    const QUERY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM intent WHERE id = ANY($1) AND chain_id = $2 ORDER BY id FOR UPDATE"
    );
    let rows =
        sqlx::query(QUERY).bind(sorted(ids)).bind(to_bigint(chain_id)?).fetch_all(tx).await?;
    rows.iter().map(StoredIntent::read).collect()
}

/// One intent, locked until the transaction ends.
pub(super) async fn get_for_update(
    tx: &mut PgConnection,
    chain_id: u64,
    id: IntentId,
) -> Result<Option<StoredIntent>, StoreError> {
    Ok(get_many_for_update(tx, chain_id, &[id]).await?.pop())
}

/// The next `limit` intents after arrival number `after`, in the order of arrival.
///
/// # Errors
/// Those of the database.
pub async fn after(
    conn: &mut PgConnection,
    chain_id: u64,
    filter: Filter,
    after: i64,
    limit: u32,
) -> Result<Vec<StoredIntent>, StoreError> {
    // two texts, so that each has a plan of its own: by owner, or by arrival
    const OF_OWNER: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM intent WHERE chain_id = $1 AND arrival > $2 AND ($3::text IS NULL OR status = $3)
          AND owner = $5 ORDER BY arrival LIMIT $4"
    );
    const OF_ALL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM intent WHERE chain_id = $1 AND arrival > $2 AND ($3::text IS NULL OR status = $3)
          ORDER BY arrival LIMIT $4"
    );
    let text = if filter.owner.is_some() { OF_OWNER } else { OF_ALL };
    let mut query = sqlx::query(text)
        .bind(to_bigint(chain_id)?)
        .bind(after)
        .bind(filter.status.map(IntentStatus::as_str))
        .bind(i64::from(limit));
    if let Some(owner) = filter.owner {
        query = query.bind(owner.to_vec());
    }
    let rows = query.fetch_all(conn).await?;
    rows.iter().map(StoredIntent::read).collect()
}

/// The next `limit` open intents after arrival number `after`: the book, for a snapshot.
///
/// # Errors
/// Those of the database.
pub async fn open_after(
    conn: &mut PgConnection,
    chain_id: u64,
    after: i64,
    limit: u32,
) -> Result<Vec<StoredIntent>, StoreError> {
    const QUERY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM intent WHERE chain_id = $1 AND status = 'open' AND arrival > $2
          ORDER BY arrival LIMIT $3"
    );
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(StoredIntent::read).collect()
}

/// The live intent of `owner` that has `nonce`.
pub(super) async fn holder_of_nonce(
    conn: &mut PgConnection,
    chain_id: u64,
    owner: Address,
    nonce: Amount,
) -> Result<Option<IntentId>, StoreError> {
    const QUERY: &str = "SELECT id FROM intent WHERE chain_id = $1 AND owner = $2
        AND nonce = $3::text::numeric AND status IN ('open', 'matched', 'committed')";
    let row = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(owner.to_vec())
        .bind(nonce.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(id_of).transpose()
}

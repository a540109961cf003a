//! The outbox and the stream's history: everything the stream ever said.

use std::{fmt, str::FromStr};

use domain::event::Event;
use serde::{Serialize, ser::SerializeStruct as _};
use serde_json::value::RawValue;
use sqlx::{FromRow, PgConnection};

use super::{StoreError, Tx, from_bigint, lease, lease::Lease, to_bigint};

/// The channel that wakes the relay; the payload is the chain's id.
pub const CHANNEL: &str = "gavel_event";

/// A place in the stream: resume after it. On the wire `epoch:seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The epoch: changes only when this deployment's history went back.
    pub epoch: u64,
    /// The sequence number of the last event seen; 0 before the first.
    pub seq: u64,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is epoch:seq, two decimal numbers")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (epoch, seq) = text.split_once(':').ok_or(InvalidCursor)?;
        let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => digits.parse().map_err(|_| InvalidCursor),
            false => Err(InvalidCursor),
        };
        Ok(Self { epoch: number(epoch)?, seq: number(seq)? })
    }
}

/// An event with its place in the stream. Serialises as
/// `{"cursor":"<epoch>:<seq>","seq":n,"at_ms":ms,"kind":"…","data":{…}}`, the same on every wire.
#[derive(Clone, Debug)]
pub struct StreamedEvent {
    /// The stream's epoch.
    pub epoch: u64,
    /// Its number: 1, 2, 3, … without gaps per chain.
    pub seq: u64,
    /// When it happened, Unix milliseconds.
    pub at_ms: u64,
    /// Its stable name.
    pub kind: String,
    /// Its body, JSON as stored.
    pub data: Box<RawValue>,
}

impl StreamedEvent {
    /// Where to resume after this event.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, seq: self.seq }
    }

    /// The wire's JSON.
    #[must_use]
    pub fn json(&self) -> String {
        // numbers, a name of ours and stored JSON: nothing to escape
        let Self { epoch, seq, at_ms, kind, data } = self;
        format!(
            r#"{{"cursor":"{epoch}:{seq}","seq":{seq},"at_ms":{at_ms},"kind":"{kind}","data":{data}}}"#
        )
    }

    /// The event as a type.
    ///
    /// # Errors
    /// If the body is of a version this binary does not know.
    pub fn event(&self) -> Result<Event, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"kind":"{}","data":{}}}"#, self.kind, self.data))
    }
}

impl Serialize for StreamedEvent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("StreamedEvent", 5)?;
        object.serialize_field("cursor", &self.cursor().to_string())?;
        object.serialize_field("seq", &self.seq)?;
        object.serialize_field("at_ms", &self.at_ms)?;
        object.serialize_field("kind", &self.kind)?;
        object.serialize_field("data", &self.data)?;
        object.end()
    }
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    at_ms: i64,
    kind: String,
    body: String,
}

impl Row {
    fn into_event(self, epoch: u64) -> Result<StreamedEvent, StoreError> {
        Ok(StreamedEvent {
            epoch,
            seq: from_bigint(self.seq, "event.seq")?,
            at_ms: from_bigint(self.at_ms, "event.at_ms")?,
            kind: self.kind,
            data: RawValue::from_string(self.body)
                .map_err(|_| StoreError::Corrupt("event.body"))?,
        })
    }
}

/// Writes events in the transaction of the change they tell of, in their order, and wakes the
/// relay when it commits. One statement.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn append(
    conn: &mut PgConnection,
    chain_id: u64,
    events: &[Event],
) -> Result<(), StoreError> {
    const QUERY: &str = "\
        WITH written AS (
            INSERT INTO event (chain_id, kind, body)
            SELECT $1, kind, body::jsonb
            FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS given (kind, body, place)
            ORDER BY place
        )
        SELECT pg_notify($4, $1::text)";
    if events.is_empty() {
        return Ok(());
    }
    let mut kinds = Vec::with_capacity(events.len());
    let mut bodies = Vec::with_capacity(events.len());
    for event in events {
        kinds.push(event.kind());
        bodies.push(body(event)?);
    }
    sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(kinds)
        .bind(bodies)
        .bind(CHANNEL)
        .execute(conn)
        .await?;
    Ok(())
}

fn body(event: &Event) -> Result<String, StoreError> {
    #[derive(serde::Deserialize)]
    struct Tagged {
        data: Box<RawValue>,
    }
    let unfit = |_| StoreError::Corrupt("an event that is no JSON");
    let text = serde_json::to_string(event).map_err(unfit)?;
    let tagged: Tagged = serde_json::from_str(&text).map_err(unfit)?;
    Ok(tagged.data.get().to_owned())
}

/// The numbered events after `seq`, in order, `limit` at most.
///
/// # Errors
/// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
pub async fn after(
    conn: &mut PgConnection,
    chain_id: u64,
    seq: u64,
    limit: u32,
) -> Result<Vec<StreamedEvent>, StoreError> {
    const QUERY: &str = "\
        SELECT event.seq, event.at_ms, event.kind, event.body::text AS body, stream_epoch.epoch
        FROM event JOIN stream_epoch USING (chain_id)
        WHERE chain_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    #[derive(FromRow)]
    struct WithEpoch {
        #[sqlx(flatten)]
        row: Row,
        epoch: i64,
    }
    let rows: Vec<WithEpoch> = sqlx::query_as(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(seq)?)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|WithEpoch { row, epoch }| row.into_event(from_bigint(epoch, "stream_epoch.epoch")?))
        .collect()
}

/// The highest number given so far; 0 if none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn head(conn: &mut PgConnection, chain_id: u64) -> Result<u64, StoreError> {
    const QUERY: &str = "SELECT coalesce(max(seq), 0) FROM event WHERE chain_id = $1";
    let seq: i64 = sqlx::query_scalar(QUERY).bind(to_bigint(chain_id)?).fetch_one(conn).await?;
    from_bigint(seq, "event.seq")
}

/// The lowest number still kept; 0 if there is none. What is older asks for a resync.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn oldest(conn: &mut PgConnection, chain_id: u64) -> Result<u64, StoreError> {
    const QUERY: &str = "SELECT coalesce(min(seq), 0) FROM event WHERE chain_id = $1";
    let seq: i64 = sqlx::query_scalar(QUERY).bind(to_bigint(chain_id)?).fetch_one(conn).await?;
    from_bigint(seq, "event.seq")
}

/// The stream's epoch, made on first use: the time of its making in Unix milliseconds, so that a
/// database made anew has another.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn epoch(conn: &mut PgConnection, chain_id: u64) -> Result<u64, StoreError> {
    // asked often and made once: the making is another statement, and the loser of a race reads
    const READ: &str = "SELECT epoch FROM stream_epoch WHERE chain_id = $1";
    const MAKE: &str = "\
        INSERT INTO stream_epoch AS kept (chain_id, epoch)
        VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        ON CONFLICT (chain_id) DO UPDATE SET epoch = kept.epoch
        RETURNING epoch";
    let chain = to_bigint(chain_id)?;
    let kept: Option<i64> = sqlx::query_scalar(READ).bind(chain).fetch_optional(&mut *conn).await?;
    let epoch = match kept {
        Some(epoch) => epoch,
        None => sqlx::query_scalar(MAKE).bind(chain).fetch_one(conn).await?,
    };
    from_bigint(epoch, "stream_epoch.epoch")
}

/// Begins another epoch: this database's own history went back, so numbers it gives from here on
/// may have been seen with other events.
///
/// # Errors
/// [`StoreError::Fenced`], [`StoreError::Unavailable`].
pub(crate) async fn next_epoch(
    tx: &mut Tx<'_>,
    lease: &Lease,
    chain_id: u64,
) -> Result<u64, StoreError> {
    const QUERY: &str = "\
        UPDATE stream_epoch
        SET epoch = greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        WHERE chain_id = $1 RETURNING epoch";
    lease::fence(&mut *tx, lease).await?;
    let epoch: i64 =
        sqlx::query_scalar(QUERY).bind(to_bigint(chain_id)?).fetch_one(&mut **tx).await?;
    from_bigint(epoch, "stream_epoch.epoch")
}

/// Gives the next numbers to events that have none, oldest first, `limit` at most, and returns
/// them. Fenced: two relays cannot number the same row or use the same number.
///
/// # Errors
/// [`StoreError::Fenced`], [`StoreError::Unavailable`].
pub(crate) async fn number(
    tx: &mut Tx<'_>,
    lease: &Lease,
    chain_id: u64,
    epoch: u64,
    limit: u32,
) -> Result<Vec<StreamedEvent>, StoreError> {
    const QUERY: &str = "\
        WITH last AS (SELECT coalesce(max(seq), 0) AS seq FROM event WHERE chain_id = $1),
        next AS (
            SELECT id, row_number() OVER (ORDER BY id) AS place
            FROM (SELECT id FROM event WHERE seq IS NULL AND chain_id = $1 ORDER BY id LIMIT $2)
                AS waiting
        )
        UPDATE event SET seq = last.seq + next.place
        FROM last, next WHERE event.id = next.id
        RETURNING event.seq, event.at_ms, event.kind, event.body::text AS body";
    lease::fence(&mut *tx, lease).await?;
    let mut rows: Vec<Row> = sqlx::query_as(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(i64::from(limit))
        .fetch_all(&mut **tx)
        .await?;
    rows.sort_unstable_by_key(|row| row.seq);
    rows.into_iter().map(|row| row.into_event(epoch)).collect()
}

/// How many events wait for a number, counted to `cap`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub(crate) async fn unnumbered(
    conn: &mut PgConnection,
    chain_id: u64,
    cap: u32,
) -> Result<u32, StoreError> {
    const QUERY: &str = "\
        SELECT count(*) FROM (SELECT 1 FROM event WHERE seq IS NULL AND chain_id = $1 LIMIT $2)
        AS waiting";
    let count: i64 = sqlx::query_scalar(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(i64::from(cap))
        .fetch_one(conn)
        .await?;
    Ok(u32::try_from(count).unwrap_or(cap))
}

#[cfg(test)]
mod tests;

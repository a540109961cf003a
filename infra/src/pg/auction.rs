//! Auctions: opening record, outcome, and what of it is public when.

mod close;
mod count;
mod in_flight;
mod left_out;
mod outcome;
mod prices;
mod publish;
mod runner_up;
mod staked;
mod wound_up;

use alloy::primitives::B256;
use domain::{
    AuctionId, OpenHash,
    auction::{OpeningRecord, RunnerUp},
    status::AuctionStatus,
};
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};

use super::{StoreError, from_bigint, to_bigint};

pub use close::{close, conclude};
pub use count::{count, uncounted};
pub use in_flight::in_flight;
pub use left_out::note_left_out;
pub use outcome::Outcome;
pub use prices::recent_prices;
pub use publish::publish_if_settled;
pub use runner_up::{set_runner_up, shared_purses};
pub use staked::{NonceInFlight, Staked, Stakes, staked, staked_since};
pub use wound_up::{left_behind, set_wound_up};

/// An auction as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAuction {
    /// Where it stands.
    pub status: AuctionStatus,
    /// The record it was opened with; its number and times are in it.
    pub opening: OpeningRecord,
    /// The record's hash.
    pub open_hash: OpenHash,
    /// How many bids were received, and the root over them; from the close on.
    pub closing: Option<Closing>,
    /// What came out; from the decision on.
    pub outcome: Option<Outcome>,
    /// What was decided over what failed on chain, if anything was.
    pub runner_up: Option<RunnerUp>,
}

/// What is fixed at the close, before anything is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The Merkle root over every bid received.
    pub bids_root: B256,
    /// How many bids that root is over.
    pub bid_count: u32,
}

macro_rules! columns {
    () => {
        "status, open_hash, opening, bids_root, bid_count, outcome, runner_up"
    };
}

/// The auction whose window is open or whose outcome is not written yet: at most one.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that is no auction; those of the database.
pub async fn open(
    conn: &mut PgConnection,
    chain_id: u64,
) -> Result<Option<StoredAuction>, StoreError> {
    const QUERY: &str =
        concat!("SELECT ", columns!(), " FROM auction WHERE chain_id = $1 AND status = 'open'");
    let row = sqlx::query(QUERY).bind(to_bigint(chain_id)?).fetch_optional(conn).await?;
    row.as_ref().map(read).transpose()
}

/// One auction.
///
/// # Errors
/// As [`open`].
pub async fn get(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<Option<StoredAuction>, StoreError> {
    const QUERY: &str =
        concat!("SELECT ", columns!(), " FROM auction WHERE chain_id = $1 AND id = $2");
    let row = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The first `limit` auctions after number `after` (0 = from the first), ascending.
///
/// # Errors
/// As [`open`].
pub async fn after(
    conn: &mut PgConnection,
    chain_id: u64,
    after: u64,
    limit: u32,
) -> Result<Vec<StoredAuction>, StoreError> {
    const QUERY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM auction WHERE chain_id = $1 AND id > $2 ORDER BY id LIMIT $3"
    );
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(after)?)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// Number and record hash of the chain's last auction.
///
/// # Errors
/// Those of the database.
pub async fn last(
    conn: &mut PgConnection,
    chain_id: u64,
) -> Result<Option<(AuctionId, OpenHash)>, StoreError> {
    const QUERY: &str =
        "SELECT id, open_hash FROM auction WHERE chain_id = $1 ORDER BY id DESC LIMIT 1";
    let row = sqlx::query(QUERY).bind(to_bigint(chain_id)?).fetch_optional(conn).await?;
    row.map(|row| Ok((AuctionId::new(number(&row, "id")?), open_hash(&row)?))).transpose()
}

/// Opens an auction.
///
/// # Errors
/// [`StoreError::Constraint`] `auction_one_open` if another window is open, `auction_pk` if the
/// number is taken; those of the database.
pub async fn insert(
    conn: &mut PgConnection,
    opening: &OpeningRecord,
    open_hash: OpenHash,
) -> Result<(), StoreError> {
    const QUERY: &str =
        "INSERT INTO auction (chain_id, id, open_hash, opening, opened_at_ms, closes_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(QUERY)
        .bind(to_bigint(opening.chain_id)?)
        .bind(to_bigint(opening.auction_id.get())?)
        .bind(open_hash.as_bytes())
        .bind(Json(opening))
        .bind(to_bigint(opening.opened_at_ms)?)
        .bind(to_bigint(opening.closes_at_ms)?)
        .execute(conn)
        .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<StoredAuction, StoreError> {
    let status: &str = row.try_get("status")?;
    let Json(opening): Json<OpeningRecord> = row.try_get("opening")?;
    let root: Option<&[u8]> = row.try_get("bids_root")?;
    let count: Option<i32> = row.try_get("bid_count")?;
    let closing = root.zip(count).map(|(root, count)| -> Result<Closing, StoreError> {
        Ok(Closing {
            bids_root: B256::try_from(root).map_err(|_| StoreError::Corrupt("bids_root"))?,
            bid_count: u32::try_from(count).map_err(|_| StoreError::Corrupt("bid_count"))?,
        })
    });
    let outcome: Option<Json<Outcome>> = row.try_get("outcome")?;
    let runner_up: Option<Json<RunnerUp>> = row.try_get("runner_up")?;
    Ok(StoredAuction {
        status: status.parse().map_err(|_| StoreError::Corrupt("auction.status"))?,
        opening,
        open_hash: open_hash(row)?,
        closing: closing.transpose()?,
        outcome: outcome.map(|Json(outcome)| outcome),
        runner_up: runner_up.map(|Json(runner_up)| runner_up),
    })
}

fn open_hash(row: &PgRow) -> Result<OpenHash, StoreError> {
    let bytes: &[u8] = row.try_get("open_hash")?;
    OpenHash::try_from(bytes).map_err(|_| StoreError::Corrupt("auction.open_hash"))
}

fn number(row: &PgRow, column: &'static str) -> Result<u64, StoreError> {
    from_bigint(row.try_get(column)?, column)
}

/// The numbers of the auctions that a query about one chain finds.
async fn numbers(
    conn: &mut PgConnection,
    query: &'static str,
    chain_id: u64,
) -> Result<Vec<AuctionId>, StoreError> {
    let rows = sqlx::query(query).bind(to_bigint(chain_id)?).fetch_all(conn).await?;
    rows.iter().map(|row| Ok(AuctionId::new(number(row, "id")?))).collect()
}

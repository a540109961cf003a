//! The row: a batch, what its logs will be read against, and what they said.

use alloy::primitives::{Address, B256, Bytes};
use domain::{
    Amount, AuctionId, BidId, IntentId, bid::Fill, event::Fault, status::SettlementStatus,
};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};

use super::{CHANNEL, RowLease};
use crate::pg::{StoreError, from_bigint, to_bigint};

/// A bid of the batch, as it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedBid {
    /// The bid.
    pub bid: BidId,
    /// Its solver.
    #[serde(with = "domain::eip55")]
    pub solver: Address,
    /// The gas that it can be charged, as signed.
    pub gas: u32,
    /// What it owes if it fails by its solver's fault, in wei.
    #[serde(default)]
    pub penalty: Amount,
    /// The solver's nonce that it uses up; rows of releases before do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Amount>,
    /// What it moves for each of its intents.
    pub fills: Vec<Fill>,
    /// The last second (Unix time) in which it may settle: its own and its intents' say so.
    #[serde(default = "forever")]
    pub last_s: u64,
}

const fn forever() -> u64 {
    i64::MAX as u64
}

/// What the reveal's logs said of a bid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidResult {
    /// The bid.
    pub bid: BidId,
    /// What was filled; empty if it failed.
    pub fills: Vec<Fill>,
    /// Why it failed; absent if it settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What its solver was charged for its gas, in wei.
    #[serde(default)]
    pub charge: Amount,
    /// What left its solver's bond, in wei.
    #[serde(default)]
    pub penalty: Amount,
}

/// Why a bid failed on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whose fault, as the contract found it.
    pub fault: Fault,
    /// The selector of the contract's error, right-padded.
    pub reason: B256,
}

/// A batch to be settled.
#[derive(Clone, Debug)]
pub struct NewSettlement {
    /// The auction that decided it.
    pub auction: AuctionId,
    /// 1 for its own decision, 2 for the runner-up.
    pub attempt: u8,
    /// The packed batch.
    pub batch: Bytes,
    /// Its bids in settlement order.
    pub bids: Vec<PlannedBid>,
}

/// A settlement as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementRow {
    /// Its number in this database.
    pub id: i64,
    /// The auction that decided it.
    pub auction: AuctionId,
    /// 1 for its own decision, 2 for the runner-up.
    pub attempt: u8,
    /// Where it stands.
    pub status: SettlementStatus,
    /// The packed batch.
    pub batch: Bytes,
    /// Its bids in settlement order.
    pub bids: Vec<PlannedBid>,
    /// What the reveal's logs said of them.
    pub results: Option<Vec<BidResult>>,
    /// Why it ended in `expired` or `failed`, a stable code.
    pub reason: Option<String>,
    /// If it ended after its reveal had been public: up to this block a reorg may bring that back.
    pub watch_until: Option<u64>,
    /// Whether intents that it left unfilled wait for a second attempt to be decided.
    pub runner_up_due: bool,
    /// How long ago it was decided, milliseconds of the database's clock.
    pub age_ms: u64,
}

macro_rules! columns {
    () => {
        "id, auction_id, attempt, status, batch, bids, results, reason, watch_until, runner_up_due, \
         (extract(epoch FROM clock_timestamp() - created_at) * 1000)::bigint AS age_ms"
    };
}
pub(super) use columns;

impl SettlementRow {
    /// The intents that its bids fill, each once, by id.
    #[must_use]
    pub fn intents(&self) -> Vec<IntentId> {
        let fills = self.bids.iter().flat_map(|bid| &bid.fills);
        let mut intents: Vec<IntentId> = fills.map(|fill| fill.intent).collect();
        intents.sort_unstable();
        intents.dedup();
        intents
    }

    /// The last second (Unix time) in which any of its bids may settle.
    #[must_use]
    pub fn last_s(&self) -> u64 {
        self.bids.iter().map(|bid| bid.last_s).max().unwrap_or(0)
    }

    /// Reads a row selected with [`columns!`].
    pub(super) fn read(row: &PgRow) -> Result<Self, StoreError> {
        let status: &str = row.try_get("status")?;
        let bids: Json<Vec<PlannedBid>> = row.try_get("bids")?;
        let results: Option<Json<Vec<BidResult>>> = row.try_get("results")?;
        let age_ms: i64 = row.try_get("age_ms")?;
        Ok(Self {
            id: row.try_get("id")?,
            auction: AuctionId::new(unsigned(row, "auction_id")?),
            attempt: u8::try_from(row.try_get::<i16, _>("attempt")?)
                .map_err(|_| StoreError::Corrupt("settlement.attempt"))?,
            status: status.parse().map_err(|_| StoreError::Corrupt("settlement.status"))?,
            batch: Bytes::copy_from_slice(row.try_get("batch")?),
            bids: bids.0,
            results: results.map(|results| results.0),
            reason: row.try_get("reason")?,
            watch_until: optional(row, "watch_until")?,
            runner_up_due: row.try_get("runner_up_due")?,
            age_ms: u64::try_from(age_ms).unwrap_or(0),
        })
    }
}

/// Queues a batch and wakes the workers when the transaction commits. Returns its number.
///
/// # Errors
/// [`StoreError::Constraint`] `settlement_attempt_once` if this attempt of the auction is queued
/// already; those of the database.
pub async fn insert(
    conn: &mut PgConnection,
    chain_id: u64,
    new: &NewSettlement,
) -> Result<i64, StoreError> {
    const QUERY: &str = "WITH queued AS (
            INSERT INTO settlement (chain_id, auction_id, attempt, batch, bids, deadline_s, last_s)
            VALUES ($1, $2, $3, $4, $5, $7, $8) RETURNING id)
        SELECT id, pg_notify($6, id::text)::text FROM queued";
    let first = new.bids.iter().map(|bid| bid.last_s).min().unwrap_or(0);
    let last = new.bids.iter().map(|bid| bid.last_s).max().unwrap_or(0);
    let row = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(new.auction.get())?)
        .bind(i16::from(new.attempt))
        .bind(new.batch.as_ref())
        .bind(Json(&new.bids))
        .bind(CHANNEL)
        .bind(to_bigint(first)?)
        .bind(to_bigint(last)?)
        .fetch_one(conn)
        .await?;
    Ok(row.try_get("id")?)
}

/// A settlement by its number.
///
/// # Errors
/// [`StoreError::Corrupt`] if there is none or it does not read; those of the database.
pub async fn get(conn: &mut PgConnection, id: i64) -> Result<SettlementRow, StoreError> {
    const QUERY: &str = concat!("SELECT ", columns!(), " FROM settlement WHERE id = $1");
    let row = sqlx::query(QUERY).bind(id).fetch_optional(conn).await?;
    row.as_ref().map_or(Err(StoreError::Corrupt("settlement.id")), SettlementRow::read)
}

/// The settlements of an auction, by attempt.
///
/// # Errors
/// Those of the database.
pub async fn of_auction(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<Vec<SettlementRow>, StoreError> {
    const QUERY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM settlement WHERE chain_id = $1 AND auction_id = $2 ORDER BY attempt"
    );
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(to_bigint(auction.get())?);
    query.fetch_all(conn).await?.iter().map(SettlementRow::read).collect()
}

/// Moves a row from `from` to `row`'s status, with its results, reason and runner-up, in one statement that
/// also proves the lease.
///
/// # Errors
/// [`StoreError::Fenced`] if the lease is lost or the row was not in `from`; those of the database.
pub async fn set(
    conn: &mut PgConnection,
    lease: RowLease,
    from: SettlementStatus,
    row: &SettlementRow,
) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE settlement
        SET status = $4, results = $5, reason = $6, watch_until = $7, runner_up_due = $8,
            updated_at = clock_timestamp()
        WHERE id = $1 AND lease_token = $2 AND lease_until > clock_timestamp() AND status = $3";
    let watch_until = row.watch_until.map(to_bigint).transpose()?;
    let done = sqlx::query(QUERY)
        .bind(lease.id)
        .bind(lease.token)
        .bind(from.as_str())
        .bind(row.status.as_str())
        .bind(row.results.as_ref().map(Json))
        .bind(row.reason.as_deref())
        .bind(watch_until)
        .bind(row.runner_up_due)
        .execute(conn)
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
}

/// A column that is never negative.
pub(super) fn unsigned(row: &PgRow, column: &'static str) -> Result<u64, StoreError> {
    from_bigint(row.try_get(column)?, column)
}

/// A column that is never negative and may be absent.
pub(super) fn optional(row: &PgRow, column: &'static str) -> Result<Option<u64>, StoreError> {
    row.try_get::<Option<i64>, _>(column)?.map(|found| from_bigint(found, column)).transpose()
}

/// A 32-byte column.
pub(super) fn word(row: &PgRow, column: &'static str) -> Result<B256, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    B256::try_from(bytes).map_err(|_| StoreError::Corrupt(column))
}

/// A 20-byte column.
pub(super) fn address(row: &PgRow, column: &'static str) -> Result<Address, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    Address::try_from(bytes).map_err(|_| StoreError::Corrupt(column))
}

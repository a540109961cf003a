//! Which lane holds which settlement's commitment.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::row::{address, unsigned, word};
use crate::pg::{StoreError, to_bigint};

/// A commitment about to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewCommitment {
    /// The settlement it is for.
    pub settlement_id: i64,
    /// Who commits.
    pub settler: Address,
    /// In which lane.
    pub lane: u64,
    /// Fresh and random; used once.
    pub salt: B256,
    /// The commitment.
    pub commitment: B256,
}

/// A settlement's commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Its number in this database.
    pub id: i64,
    /// Who committed.
    pub settler: Address,
    /// In which lane.
    pub lane: u64,
    /// The salt.
    pub salt: B256,
    /// The commitment.
    pub commitment: B256,
    /// Whether a reveal with this salt was ever written: the salt is spent then.
    pub public: bool,
    /// Whether it still holds its lane.
    pub live: bool,
}

/// Takes the lane for a settlement. Returns the commitment's number.
///
/// # Errors
/// [`StoreError::Constraint`] `commitment_lane_free` if another settlement holds the lane,
/// `commitment_one_live` if this one holds another; those of the database.
pub async fn insert_commitment(
    conn: &mut PgConnection,
    new: &NewCommitment,
) -> Result<i64, StoreError> {
    const QUERY: &str = "INSERT INTO commitment (settlement_id, settler, lane, salt, commitment)
        VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let row = sqlx::query(QUERY)
        .bind(new.settlement_id)
        .bind(new.settler.as_slice())
        .bind(to_bigint(new.lane)?)
        .bind(new.salt.as_slice())
        .bind(new.commitment.as_slice())
        .fetch_one(conn)
        .await?;
    Ok(row.try_get("id")?)
}

/// Every commitment of a settlement, oldest first: the last one counts, a reveal of an earlier
/// one may still come.
///
/// # Errors
/// Those of the database.
pub async fn commitments(
    conn: &mut PgConnection,
    settlement_id: i64,
) -> Result<Vec<Commitment>, StoreError> {
    const QUERY: &str = "SELECT id, settler, lane, salt, commitment, revealed, live
        FROM commitment WHERE settlement_id = $1 ORDER BY id";
    let rows = sqlx::query(QUERY).bind(settlement_id).fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

fn read(row: &PgRow) -> Result<Commitment, StoreError> {
    Ok(Commitment {
        id: row.try_get("id")?,
        settler: address(row, "settler")?,
        lane: unsigned(row, "lane")?,
        salt: word(row, "salt")?,
        commitment: word(row, "commitment")?,
        public: row.try_get("revealed")?,
        live: row.try_get("live")?,
    })
}

/// The lanes that settlements hold, of those of these settlers that hold any.
///
/// # Errors
/// Those of the database.
pub async fn busy_lanes(
    conn: &mut PgConnection,
    settlers: &[Address],
) -> Result<BTreeMap<Address, BTreeSet<u64>>, StoreError> {
    const QUERY: &str = "SELECT settler, lane FROM commitment WHERE settler = ANY($1) AND live";
    let settlers: Vec<&[u8]> = settlers.iter().map(|settler| settler.as_slice()).collect();
    let mut busy: BTreeMap<Address, BTreeSet<u64>> = BTreeMap::new();
    for row in &sqlx::query(QUERY).bind(settlers).fetch_all(conn).await? {
        busy.entry(address(row, "settler")?).or_default().insert(unsigned(row, "lane")?);
    }
    Ok(busy)
}

/// Spends the salt: a reveal with it is about to leave the house.
///
/// # Errors
/// Those of the database.
pub async fn mark_public(conn: &mut PgConnection, id: i64) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE commitment SET revealed = true WHERE id = $1";
    sqlx::query(QUERY).bind(id).execute(conn).await?;
    Ok(())
}

/// Frees the lane that the settlement holds, if any.
///
/// # Errors
/// Those of the database.
pub async fn retire(conn: &mut PgConnection, settlement_id: i64) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE commitment SET live = false WHERE settlement_id = $1 AND live";
    sqlx::query(QUERY).bind(settlement_id).execute(conn).await?;
    Ok(())
}

/// Takes the lane of a commitment back after a reorg, unless another settlement has it by now:
/// then the lane's order on chain decides, and the one that comes second takes another lane.
///
/// # Errors
/// Those of the database.
pub async fn restore(conn: &mut PgConnection, id: i64) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE commitment AS mine SET live = true WHERE id = $1 AND NOT live
        AND NOT EXISTS (SELECT 1 FROM commitment AS other
            WHERE other.settler = mine.settler AND other.lane = mine.lane AND other.live)";
    sqlx::query(QUERY).bind(id).execute(conn).await?;
    Ok(())
}

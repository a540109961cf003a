//! Every transaction, with its raw bytes, from before it was broadcast.

use alloy::primitives::{Address, B256, Bytes};
use domain::event::BlockRef;
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::row::{address, optional, unsigned, word};
use crate::pg::{StoreError, to_bigint};

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxKind {
    /// It commits.
    Commit,
    /// It reveals.
    Reveal,
}

impl TxKind {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Reveal => "reveal",
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptStatus {
    /// Written down; it may have been broadcast.
    Written,
    /// A node took it.
    Broadcast,
    /// It is in a block and did its work.
    Mined,
    /// It is in a block and did nothing.
    Reverted,
    /// Another took its nonce on our behalf.
    Replaced,
    /// Its nonce was used by something else.
    Dropped,
}

impl AttemptStatus {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Broadcast => "broadcast",
            Self::Mined => "mined",
            Self::Reverted => "reverted",
            Self::Replaced => "replaced",
            Self::Dropped => "dropped",
        }
    }

    fn read(text: &str) -> Result<Self, StoreError> {
        Ok(match text {
            "written" => Self::Written,
            "broadcast" => Self::Broadcast,
            "mined" => Self::Mined,
            "reverted" => Self::Reverted,
            "replaced" => Self::Replaced,
            "dropped" => Self::Dropped,
            _ => return Err(StoreError::Corrupt("tx_attempt.status")),
        })
    }
}

/// A signed transaction to be written down.
#[derive(Clone, Debug)]
pub struct NewAttempt {
    /// The settlement it is for.
    pub settlement_id: i64,
    /// The commitment it makes or reveals.
    pub commitment_id: i64,
    /// Which of the two.
    pub kind: TxKind,
    /// Who signed.
    pub settler: Address,
    /// Its nonce.
    pub nonce: u64,
    /// How many it replaces under that nonce.
    pub replacement: u16,
    /// Its EIP-2718 bytes.
    pub raw: Bytes,
    /// Its hash.
    pub hash: B256,
    /// The chain's head when it was signed.
    pub sent_at_block: u64,
    /// To whom it is about to be given.
    pub route: Route,
}

/// To whom a transaction was given: the chain's head when it first was, written before it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// To the private node.
    pub private_block: Option<u64>,
    /// To the public one.
    pub public_block: Option<u64>,
}

/// A transaction as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number in this database.
    pub id: i64,
    /// The settlement it is for.
    pub settlement_id: i64,
    /// The commitment it makes or reveals.
    pub commitment_id: i64,
    /// Which of the two.
    pub kind: TxKind,
    /// Who signed.
    pub settler: Address,
    /// Its nonce.
    pub nonce: u64,
    /// How many it replaces under that nonce.
    pub replacement: u16,
    /// Its EIP-2718 bytes.
    pub raw: Bytes,
    /// Its hash.
    pub hash: B256,
    /// What became of it.
    pub status: AttemptStatus,
    /// The chain's head when it was signed.
    pub sent_at_block: u64,
    /// The block that was recorded for it.
    pub block: Option<BlockRef>,
    /// To whom it was given.
    pub route: Route,
}

/// Where a transaction was mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The block.
    pub block: BlockRef,
    /// What it used, in gas.
    pub gas_used: u64,
}

macro_rules! columns {
    () => {
        "id, settlement_id, commitment_id, kind, settler, nonce, replacement, raw, hash, status, \
         sent_at_block, block_number, block_hash, private_block, public_block"
    };
}

impl Attempt {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let kind = match row.try_get("kind")? {
            "commit" => TxKind::Commit,
            "reveal" => TxKind::Reveal,
            _ => return Err(StoreError::Corrupt("tx_attempt.kind")),
        };
        let block = match row.try_get::<Option<i64>, _>("block_number")? {
            None => None,
            Some(_) => Some(BlockRef {
                number: unsigned(row, "block_number")?,
                hash: word(row, "block_hash")?,
            }),
        };
        Ok(Self {
            id: row.try_get("id")?,
            settlement_id: row.try_get("settlement_id")?,
            commitment_id: row.try_get("commitment_id")?,
            kind,
            settler: address(row, "settler")?,
            nonce: unsigned(row, "nonce")?,
            replacement: u16::try_from(row.try_get::<i16, _>("replacement")?)
                .map_err(|_| StoreError::Corrupt("tx_attempt.replacement"))?,
            raw: Bytes::copy_from_slice(row.try_get("raw")?),
            hash: word(row, "hash")?,
            status: AttemptStatus::read(row.try_get("status")?)?,
            sent_at_block: unsigned(row, "sent_at_block")?,
            block,
            route: Route {
                private_block: optional(row, "private_block")?,
                public_block: optional(row, "public_block")?,
            },
        })
    }
}

/// Writes a transaction down, and marks those that it replaces.
///
/// # Errors
/// [`StoreError::Constraint`] `tx_attempt_nonce_once` if another writer was faster with this
/// nonce; those of the database.
pub async fn insert_attempt(conn: &mut PgConnection, new: &NewAttempt) -> Result<i64, StoreError> {
    const QUERY: &str = "WITH replaced AS (
            UPDATE tx_attempt SET status = 'replaced'
            WHERE settler = $4 AND nonce = $5 AND status IN ('written', 'broadcast'))
        INSERT INTO tx_attempt (settlement_id, commitment_id, kind, settler, nonce, replacement,
            raw, hash, sent_at_block, private_block, public_block)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    let replacement = i16::try_from(new.replacement)
        .map_err(|_| StoreError::Corrupt("tx_attempt.replacement"))?;
    let row = sqlx::query(QUERY)
        .bind(new.settlement_id)
        .bind(new.commitment_id)
        .bind(new.kind.as_str())
        .bind(new.settler.as_slice())
        .bind(to_bigint(new.nonce)?)
        .bind(replacement)
        .bind(new.raw.as_ref())
        .bind(new.hash.as_slice())
        .bind(to_bigint(new.sent_at_block)?)
        .bind(new.route.private_block.map(to_bigint).transpose()?)
        .bind(new.route.public_block.map(to_bigint).transpose()?)
        .fetch_one(conn)
        .await?;
    Ok(row.try_get("id")?)
}

/// Every transaction of a settlement, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn attempts(
    conn: &mut PgConnection,
    settlement_id: i64,
) -> Result<Vec<Attempt>, StoreError> {
    const QUERY: &str =
        concat!("SELECT ", columns!(), " FROM tx_attempt WHERE settlement_id = $1 ORDER BY id");
    let rows = sqlx::query(QUERY).bind(settlement_id).fetch_all(conn).await?;
    rows.iter().map(Attempt::read).collect()
}

/// The latest transaction under the lowest nonce, not below `from`, that no living commitment
/// needs. Its nonce must be used again, or every later one waits behind the gap.
///
/// # Errors
/// Those of the database.
pub async fn orphan(
    conn: &mut PgConnection,
    settler: Address,
    from: u64,
) -> Result<Option<Attempt>, StoreError> {
    const QUERY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM tx_attempt AS latest
        WHERE settler = $1 AND nonce >= $2 AND status IN ('written', 'broadcast')
          AND NOT EXISTS (SELECT 1 FROM commitment
              WHERE commitment.id = latest.commitment_id AND commitment.live)
        ORDER BY nonce, replacement DESC LIMIT 1"
    );
    let query = sqlx::query(QUERY).bind(settler.as_slice()).bind(to_bigint(from)?);
    query.fetch_optional(conn).await?.as_ref().map(Attempt::read).transpose()
}

/// The latest raw transaction under each nonce from `from` up to and with `to`, in order: what a
/// node must have before it can mine the last one.
///
/// # Errors
/// Those of the database.
pub async fn pending_below(
    conn: &mut PgConnection,
    settler: Address,
    from: u64,
    to: u64,
) -> Result<Vec<Attempt>, StoreError> {
    const QUERY: &str = concat!(
        "SELECT DISTINCT ON (nonce) ",
        columns!(),
        " FROM tx_attempt WHERE settler = $1 AND nonce BETWEEN $2 AND $3
        ORDER BY nonce, replacement DESC LIMIT 64"
    );
    let query =
        sqlx::query(QUERY).bind(settler.as_slice()).bind(to_bigint(from)?).bind(to_bigint(to)?);
    query.fetch_all(conn).await?.iter().map(Attempt::read).collect()
}

/// Notes that a node took it. What is known better already stays.
///
/// # Errors
/// Those of the database.
pub async fn mark_broadcast(conn: &mut PgConnection, id: i64) -> Result<(), StoreError> {
    const QUERY: &str =
        "UPDATE tx_attempt SET status = 'broadcast' WHERE id = $1 AND status = 'written'";
    sqlx::query(QUERY).bind(id).execute(conn).await?;
    Ok(())
}

/// Notes, before it is done, that the public node is given a transaction that only the private one
/// had.
///
/// # Errors
/// Those of the database.
pub async fn go_public(conn: &mut PgConnection, id: i64, head: u64) -> Result<(), StoreError> {
    const QUERY: &str =
        "UPDATE tx_attempt SET public_block = $2 WHERE id = $1 AND public_block IS NULL";
    sqlx::query(QUERY).bind(id).bind(to_bigint(head)?).execute(conn).await?;
    Ok(())
}

/// Notes that a transaction did its work in a block, or (`None`) that its block is gone.
///
/// # Errors
/// Those of the database.
pub async fn include(
    conn: &mut PgConnection,
    id: i64,
    at: Option<Inclusion>,
) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE tx_attempt
        SET status = CASE WHEN $2::bigint IS NULL THEN 'written' ELSE 'mined' END,
            block_number = $2, block_hash = $3, gas_used = $4
        WHERE id = $1";
    let number = at.map(|at| to_bigint(at.block.number)).transpose()?;
    let gas_used = at.map(|at| to_bigint(at.gas_used)).transpose()?;
    sqlx::query(QUERY)
        .bind(id)
        .bind(number)
        .bind(at.as_ref().map(|at| at.block.hash.as_slice()))
        .bind(gas_used)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that nothing more is to be expected of a commitment's transactions of one kind.
///
/// # Errors
/// Those of the database.
pub async fn close(
    conn: &mut PgConnection,
    commitment_id: i64,
    kind: TxKind,
    status: AttemptStatus,
) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE tx_attempt SET status = $3
        WHERE commitment_id = $1 AND kind = $2 AND status IN ('written', 'broadcast')";
    sqlx::query(QUERY)
        .bind(commitment_id)
        .bind(kind.as_str())
        .bind(status.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that a settlement's transactions by `settler` up to and with `nonce` that are not known to
/// be mined never will be. Those of other settlers keep their nonces until they are used.
///
/// # Errors
/// Those of the database.
pub async fn close_up_to(
    conn: &mut PgConnection,
    settlement_id: i64,
    settler: Address,
    nonce: u64,
) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE tx_attempt SET status = 'dropped'
        WHERE settlement_id = $1 AND settler = $2 AND nonce <= $3
          AND status IN ('written', 'broadcast')";
    let query = sqlx::query(QUERY).bind(settlement_id).bind(settler.as_slice());
    query.bind(to_bigint(nonce)?).execute(conn).await?;
    Ok(())
}

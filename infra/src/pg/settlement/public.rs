//! What anybody may know of settlements on their way: no batch, no salt, no raw transaction.

use alloy::primitives::B256;
use domain::{AuctionId, status::SettlementStatus};
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::row::unsigned;
use crate::pg::{StoreError, to_bigint};

/// A settlement as the public sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicSettlement {
    /// The auction that decided it.
    pub auction: AuctionId,
    /// 1 for its own decision.
    pub attempt: u8,
    /// Where it stands.
    pub status: SettlementStatus,
    /// Its last commitment.
    pub commitment: Option<B256>,
    /// The commit in a block.
    pub commit_tx: Option<B256>,
    /// The reveal in a block.
    pub reveal_tx: Option<B256>,
}

/// The settlements of some auctions, by auction and attempt.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that does not read; those of the database.
pub async fn public_of(
    conn: &mut PgConnection,
    chain_id: u64,
    auctions: &[AuctionId],
) -> Result<Vec<PublicSettlement>, StoreError> {
    const QUERY: &str = "SELECT s.auction_id, s.attempt, s.status,
            (SELECT c.commitment FROM commitment c
             WHERE c.settlement_id = s.id ORDER BY c.id DESC LIMIT 1) AS commitment,
            (SELECT t.hash FROM tx_attempt t
             WHERE t.settlement_id = s.id AND t.kind = 'commit' AND t.status = 'mined'
             ORDER BY t.id DESC LIMIT 1) AS commit_tx,
            (SELECT t.hash FROM tx_attempt t
             WHERE t.settlement_id = s.id AND t.kind = 'reveal' AND t.status = 'mined'
             ORDER BY t.id DESC LIMIT 1) AS reveal_tx
        FROM settlement s WHERE s.chain_id = $1 AND s.auction_id = ANY($2)
        ORDER BY s.auction_id, s.attempt";
    let ids = auctions.iter().map(|id| to_bigint(id.get())).collect::<Result<Vec<_>, _>>()?;
    let rows = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(ids).fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

fn read(row: &PgRow) -> Result<PublicSettlement, StoreError> {
    let status: &str = row.try_get("status")?;
    let attempt: i16 = row.try_get("attempt")?;
    Ok(PublicSettlement {
        auction: AuctionId::new(unsigned(row, "auction_id")?),
        attempt: attempt.try_into().map_err(|_| StoreError::Corrupt("settlement.attempt"))?,
        status: status.parse().map_err(|_| StoreError::Corrupt("settlement.status"))?,
        commitment: hash(row, "commitment")?,
        commit_tx: hash(row, "commit_tx")?,
        reveal_tx: hash(row, "reveal_tx")?,
    })
}

fn hash(row: &PgRow, column: &'static str) -> Result<Option<B256>, StoreError> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(B256::try_from).transpose().map_err(|_| StoreError::Corrupt(column))
}

//! Bids a page at a time: an auction may hold ten thousand of them.

use alloy::primitives::Address;
use domain::AuctionId;
use sqlx::PgConnection;

use super::{PlacedBid, placed};
use crate::pg::{StoreError, to_bigint};

/// Which bids, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The auction.
    pub auction: AuctionId,
    /// Only this solver's.
    pub solver: Option<Address>,
    /// Only those behind this place of the stream, (ms, seq).
    pub after: (u64, u64),
    /// At most this many.
    pub limit: u32,
}

/// A page of an auction's bids, in the order of the stream, without verdicts: those are in the
/// auction's outcome, which is not unpacked once a page.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that is no bid; those of the database.
pub async fn page(
    conn: &mut PgConnection,
    chain_id: u64,
    page: Page,
) -> Result<Vec<PlacedBid>, StoreError> {
    const QUERY: &str = "SELECT auction_id, id, stream_ms, stream_seq, body, signature
        FROM bid WHERE chain_id = $1 AND auction_id = $2 AND (stream_ms, stream_seq) > ($3, $4)
        ORDER BY stream_ms, stream_seq LIMIT $5";
    const OF_SOLVER: &str = "SELECT auction_id, id, stream_ms, stream_seq, body, signature
        FROM bid WHERE chain_id = $1 AND auction_id = $2 AND (stream_ms, stream_seq) > ($3, $4)
        AND solver = $6 ORDER BY stream_ms, stream_seq LIMIT $5";
    let query = if page.solver.is_some() { OF_SOLVER } else { QUERY };
    let mut query = sqlx::query(query)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(page.auction.get())?)
        .bind(to_bigint(page.after.0)?)
        .bind(to_bigint(page.after.1)?)
        .bind(i64::from(page.limit));
    if let Some(solver) = page.solver {
        query = query.bind(solver.to_vec());
    }
    query.fetch_all(conn).await?.iter().map(placed).collect()
}

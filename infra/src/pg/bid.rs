//! Bids: the durable twin of an auction's stream. A row's (ms, seq) is its stream id.

use domain::{AuctionId, Bid, BidId, batch::SignedBid, signature::EcdsaSignature};
use serde_json::Value;
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};

use super::{StoreError, from_bigint, to_bigint};

mod drops;
mod page;

pub use drops::{Drop, note_drops, simulation_drops};
pub use page::{Page, page};

/// A bid and its place in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedBid {
    /// The auction it was queued for.
    pub auction: AuctionId,
    /// Its EIP-712 digest.
    pub id: BidId,
    /// When it was queued, Redis time, Unix milliseconds.
    pub ms: u64,
    /// Its number within that millisecond.
    pub seq: u64,
    /// What was signed.
    pub signed: SignedBid,
}

/// A bid as it is stored, with what the auction found once that is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBid {
    /// The bid in its place.
    pub placed: PlacedBid,
    /// What the auction found.
    pub verdict: Option<Value>,
}

/// Makes bids durable. A bid that is there already stays as it is, so a repeat is no error; rows
/// go in by (auction, id), so that two writers never wait for each other in a circle.
///
/// # Errors
/// [`StoreError::Constraint`] `bid_auction_known` if an auction was never opened,
/// `bid_place_once` or `bid_client_id_once` if another bid has the place or the reference; those
/// of the database.
pub async fn insert(
    conn: &mut PgConnection,
    chain_id: u64,
    bids: &[PlacedBid],
) -> Result<(), StoreError> {
    const QUERY: &str = "INSERT INTO bid (chain_id, auction_id, id, stream_ms, stream_seq, \
            solver, client_bid_id, body, signature)
        SELECT $1, auction_id, id, ms, seq, solver, client_bid_id, body::jsonb, signature
        FROM UNNEST($2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[], \
            $7::bytea[], $8::text[], $9::bytea[])
             AS b (auction_id, id, ms, seq, solver, client_bid_id, body, signature)
        ORDER BY auction_id, id
        ON CONFLICT (chain_id, auction_id, id) DO NOTHING";
    if bids.is_empty() {
        return Ok(());
    }
    let numbers = |of: fn(&PlacedBid) -> u64| -> Result<Vec<i64>, StoreError> {
        bids.iter().map(|bid| to_bigint(of(bid))).collect()
    };
    let bodies: Result<Vec<String>, _> =
        bids.iter().map(|placed| serde_json::to_string(&placed.signed.bid)).collect();
    let solvers: Vec<&[u8]> =
        bids.iter().map(|placed| placed.signed.bid.terms().solver.as_slice()).collect();
    let references: Vec<&[u8]> =
        bids.iter().map(|placed| placed.signed.bid.terms().client_bid_id.as_slice()).collect();
    sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(numbers(|bid| bid.auction.get())?)
        .bind(bids.iter().map(|bid| bid.id.as_bytes()).collect::<Vec<_>>())
        .bind(numbers(|bid| bid.ms)?)
        .bind(numbers(|bid| bid.seq)?)
        .bind(solvers)
        .bind(references)
        .bind(bodies.map_err(|_| StoreError::Corrupt("bid.body"))?)
        .bind(bids.iter().map(|bid| bid.signed.signature.to_rsv().to_vec()).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(())
}

/// Bids with what the outcome of auction `$2` of chain `$1` says of each, up to the WHERE.
macro_rules! with_verdicts {
    () => {
        "WITH found AS MATERIALIZED (
            SELECT DISTINCT ON (one ->> 'bid')
                decode(substr(one ->> 'bid', 3), 'hex') AS id, one - 'bid' AS verdict
            FROM auction, jsonb_array_elements(outcome #> '{decision,verdicts}') AS one
            WHERE chain_id = $1 AND auction.id = $2)
        SELECT auction_id, bid.id, stream_ms, stream_seq, body, signature, verdict
        FROM bid LEFT JOIN found ON found.id = bid.id"
    };
}

/// Every bid of an auction in the order of the stream.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that is no bid; those of the database.
pub async fn of_auction(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<Vec<StoredBid>, StoreError> {
    const QUERY: &str = concat!(
        with_verdicts!(),
        " WHERE bid.chain_id = $1 AND bid.auction_id = $2 ORDER BY stream_ms, stream_seq"
    );
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// The places of an auction's durable bids: what the stream is compared with.
///
/// # Errors
/// Those of the database.
pub async fn places(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<Vec<(BidId, u64, u64)>, StoreError> {
    const QUERY: &str = "SELECT id, stream_ms, stream_seq FROM bid
        WHERE chain_id = $1 AND auction_id = $2 ORDER BY stream_ms, stream_seq";
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((id_of(row)?, number(row, "stream_ms")?, number(row, "stream_seq")?)))
        .collect()
}

fn read(row: &PgRow) -> Result<StoredBid, StoreError> {
    Ok(StoredBid { placed: placed(row)?, verdict: row.try_get("verdict")? })
}

fn placed(row: &PgRow) -> Result<PlacedBid, StoreError> {
    let Json(bid): Json<Bid> = row.try_get("body")?;
    let signature: &[u8] = row.try_get("signature")?;
    let signature =
        EcdsaSignature::parse(signature).map_err(|_| StoreError::Corrupt("bid.signature"))?;
    Ok(PlacedBid {
        auction: AuctionId::new(number(row, "auction_id")?),
        id: id_of(row)?,
        ms: number(row, "stream_ms")?,
        seq: number(row, "stream_seq")?,
        signed: SignedBid { bid, signature },
    })
}

fn id_of(row: &PgRow) -> Result<BidId, StoreError> {
    BidId::try_from(row.try_get::<&[u8], _>("id")?).map_err(|_| StoreError::Corrupt("bid.id"))
}

fn number(row: &PgRow, column: &'static str) -> Result<u64, StoreError> {
    from_bigint(row.try_get(column)?, column)
}

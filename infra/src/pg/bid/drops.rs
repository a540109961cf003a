//! Winners that did not settle when they were run before publishing (design A10).

use alloy::primitives::Address;
use domain::{AuctionId, BidId};
use sqlx::{PgConnection, Row};

use crate::pg::{StoreError, from_bigint, to_bigint};

/// [`domain::event::Fault::Solver`] as the contract numbers it.
const SOLVER: i16 = 1;

/// A bid that was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drop {
    /// The bid.
    pub bid: BidId,
    /// Its solver.
    pub solver: Address,
    /// Who is at fault, as the contract finds it (C7).
    pub fault: u8,
    /// Whether it failed by itself, not only beside others.
    pub alone: bool,
}

/// Notes the drops of an auction, in the transaction that writes its outcome, or that of its second
/// attempt.
///
/// # Errors
/// Those of the database.
pub async fn note_drops(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    drops: &[Drop],
) -> Result<(), StoreError> {
    const QUERY: &str = "INSERT INTO simulation_drop
            (chain_id, auction_id, bid_id, solver, fault, alone)
        SELECT $1, $2, bid, solver, fault, alone
        FROM UNNEST($3::bytea[], $4::bytea[], $5::smallint[], $6::boolean[])
             AS found (bid, solver, fault, alone)
        -- a second attempt that was taken back by a reorg may find the same once more
        ON CONFLICT ON CONSTRAINT simulation_drop_pk DO NOTHING";
    if drops.is_empty() {
        return Ok(());
    }
    sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(drops.iter().map(|drop| drop.bid.as_bytes()).collect::<Vec<_>>())
        .bind(drops.iter().map(|drop| drop.solver.as_slice()).collect::<Vec<_>>())
        .bind(drops.iter().map(|drop| i16::from(drop.fault)).collect::<Vec<_>>())
        .bind(drops.iter().map(|drop| drop.alone).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(())
}

/// How many of a solver's bids did not settle when they were run alone, by the solver's own fault: what
/// counts in its standing (A10). A bid that failed only beside others, whose owner was short, or whose
/// fault is nobody's does not: it may be another's doing. Nor does one of an auction that is still
/// sealed: that there was such a bid is not public.
///
/// # Errors
/// Those of the database.
pub async fn simulation_drops(
    conn: &mut PgConnection,
    chain_id: u64,
    solver: Address,
) -> Result<u64, StoreError> {
    const QUERY: &str = "SELECT count(*) AS drops FROM simulation_drop
        WHERE chain_id = $1 AND solver = $2 AND fault = $3 AND alone AND EXISTS (
            SELECT FROM auction WHERE auction.chain_id = simulation_drop.chain_id
              AND auction.id = simulation_drop.auction_id AND auction.status = 'published')";
    let row = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(solver.as_slice())
        .bind(SOLVER)
        .fetch_one(conn)
        .await?;
    from_bigint(row.try_get("drops")?, "simulation_drop")
}

//! What failed bids cost their solvers.

use alloy::primitives::Address;
use domain::{
    Amount, BidId,
    event::{PenaltyShare, SolverPenalty},
};
use sqlx::{PgConnection, Row, types::Json};

use super::{Scope, address, amount, evidence, trace, word};
use crate::pg::{StoreError, from_bigint, to_bigint};

/// What a solver lost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Penalties {
    /// How often.
    pub count: u64,
    /// How much in all, wei.
    pub amount: Amount,
}

/// Notes a penalty; `false` if it was noted before.
///
/// # Errors
/// Those of the database.
pub async fn note_penalty(
    tx: &mut PgConnection,
    scope: Scope,
    penalty: &SolverPenalty,
) -> Result<bool, StoreError> {
    const QUERY: &str =
        "INSERT INTO solver_penalty (chain_id, contract, block_number, tx_hash, bid_id,
            block_hash, solver, amount, burned, shares)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::numeric, $9::text::numeric, $10)
        ON CONFLICT ON CONSTRAINT solver_penalty_pk DO NOTHING";
    let done = trace::one(QUERY, scope, penalty.evidence, penalty.bid)?
        .bind(penalty.evidence.block.hash.to_vec())
        .bind(penalty.solver.to_vec())
        .bind(penalty.amount.to_string())
        .bind(penalty.burned.to_string())
        .bind(Json(penalty.shares.clone()))
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The newest penalties above a block, `limit` at most.
///
/// # Errors
/// Those of the database.
pub async fn penalties_above(
    conn: &mut PgConnection,
    scope: Scope,
    above: u64,
    limit: u32,
) -> Result<Vec<SolverPenalty>, StoreError> {
    const QUERY: &str = "SELECT bid_id, solver, amount::text AS amount, burned::text AS burned,
            shares, tx_hash, block_number, block_hash FROM solver_penalty
        WHERE chain_id = $1 AND contract = $2 AND block_number > $3
        ORDER BY block_number DESC LIMIT $4";
    let rows = trace::newest_above(QUERY, conn, scope, above, limit).await?;
    rows.iter()
        .map(|row| {
            let Json(shares): Json<Vec<PenaltyShare>> = row.try_get("shares")?;
            Ok(SolverPenalty {
                bid: BidId::new(word(row, "bid_id")?),
                solver: address(row, "solver")?,
                amount: amount(row, "amount")?,
                burned: amount(row, "burned")?,
                shares,
                reorged: false,
                evidence: evidence(row)?,
            })
        })
        .collect()
}

/// Forgets a penalty.
///
/// # Errors
/// Those of the database.
pub async fn drop_penalty(
    tx: &mut PgConnection,
    scope: Scope,
    penalty: &SolverPenalty,
) -> Result<(), StoreError> {
    const QUERY: &str = "DELETE FROM solver_penalty WHERE chain_id = $1 AND contract = $2
        AND block_number = $3 AND tx_hash = $4 AND bid_id = $5";
    trace::one(QUERY, scope, penalty.evidence, penalty.bid)?.execute(tx).await?;
    Ok(())
}

/// What failed bids cost a solver in a contract.
///
/// # Errors
/// Those of the database; [`StoreError::Corrupt`] for a sum above 2^256 - 1.
pub async fn penalties(
    conn: &mut PgConnection,
    scope: Scope,
    solver: Address,
) -> Result<Penalties, StoreError> {
    const QUERY: &str = "SELECT count(*) AS count, coalesce(sum(amount), 0)::text AS amount
        FROM solver_penalty WHERE chain_id = $1 AND solver = $2 AND contract = $3";
    let row = sqlx::query(QUERY)
        .bind(to_bigint(scope.chain_id)?)
        .bind(solver.as_slice())
        .bind(scope.contract.as_slice())
        .fetch_one(conn)
        .await?;
    let count = from_bigint(row.try_get("count")?, "solver_penalty")?;
    Ok(Penalties { count, amount: amount(&row, "amount")? })
}

//! What a bid left on the chain, kept by where it was seen, so that it goes with its block.

use domain::{BidId, event::TxRef};
use sqlx::{
    PgConnection, Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::Scope;
use crate::pg::{StoreError, to_bigint};

/// A statement about one trace: `$1` its chain, `$2` its contract, `$3` its block's number, `$4` its
/// transaction, `$5` its bid. The caller binds what comes after.
pub(super) fn one(
    query: &'static str,
    scope: Scope,
    evidence: TxRef,
    bid: BidId,
) -> Result<Query<'static, Postgres, PgArguments>, StoreError> {
    Ok(sqlx::query(query)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.to_vec())
        .bind(to_bigint(evidence.block.number)?)
        .bind(evidence.tx.to_vec())
        .bind(bid.as_bytes().to_vec()))
}

/// The rows of a query for the newest traces above a block: `$1` the chain, `$2` the contract, `$3` the
/// block's number, `$4` how many at most.
pub(super) async fn newest_above(
    query: &'static str,
    conn: &mut PgConnection,
    scope: Scope,
    above: u64,
    limit: u32,
) -> Result<Vec<PgRow>, StoreError> {
    let rows = sqlx::query(query)
        .bind(to_bigint(scope.chain_id)?)
        .bind(scope.contract.as_slice())
        .bind(to_bigint(above)?)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    Ok(rows)
}

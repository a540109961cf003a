//! What owners are about to pay.

use std::collections::{BTreeMap, HashMap};

use alloy::primitives::Address;
use domain::{Amount, IntentId};
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};

use crate::pg::{StoreError, settlement::PlannedBid, to_bigint};

/// What is sold in batches that are decided and whose fills are not applied yet, or what of them
/// failed and waits for a second attempt, by (owner, token). Read it before the block that funds are read at: then a fill is counted twice for a
/// moment, never not at all.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that does not read; those of the database.
pub async fn in_flight(
    conn: &mut PgConnection,
    chain_id: u64,
) -> Result<BTreeMap<(Address, Address), Amount>, StoreError> {
    const BATCHES: &str = "SELECT bids FROM settlement WHERE chain_id = $1
        AND (status IN ('planned', 'commit_sent', 'committed', 'reveal_sent') OR runner_up_due)";
    // joined here and not there: of the fills inside the JSON the planner knows nothing
    const PAYERS: &str = "SELECT intent.id, owner, sell_token
        FROM intent JOIN UNNEST($2::bytea[]) AS paid (id) ON intent.id = paid.id
        WHERE chain_id = $1 AND status IN ('matched', 'committed')";
    let chain_id = to_bigint(chain_id)?;
    let batches = sqlx::query(BATCHES).bind(chain_id).fetch_all(&mut *conn).await?;
    if batches.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut planned = Vec::with_capacity(batches.len());
    for batch in &batches {
        let Json(bids): Json<Vec<PlannedBid>> = batch.try_get("bids")?;
        planned.push(bids);
    }
    let fills = || planned.iter().flatten().flat_map(|bid| &bid.fills);
    let ids: Vec<&[u8]> = fills().map(|fill| fill.intent.as_bytes()).collect();
    let payers = sqlx::query(PAYERS).bind(chain_id).bind(ids).fetch_all(conn).await?;
    let payers: HashMap<IntentId, (Address, Address)> =
        payers.iter().map(payer).collect::<Result<_, _>>()?;
    let mut in_flight = BTreeMap::<_, Amount>::new();
    for fill in fills() {
        if let Some(account) = payers.get(&fill.intent) {
            let total = in_flight.entry(*account).or_default();
            // more than any balance is as good as 2^256 - 1
            *total = total.checked_add(fill.sold).unwrap_or(Amount::MAX);
        }
    }
    Ok(in_flight)
}

fn payer(row: &PgRow) -> Result<(IntentId, (Address, Address)), StoreError> {
    let address = |column| -> Result<Address, StoreError> {
        let bytes: &[u8] = row.try_get(column)?;
        Address::try_from(bytes).map_err(|_| StoreError::Corrupt(column))
    };
    let id: &[u8] = row.try_get("id")?;
    let id = IntentId::try_from(id).map_err(|_| StoreError::Corrupt("intent.id"))?;
    Ok((id, (address("owner")?, address("sell_token")?)))
}

//! What owners are about to pay.

use alloy::primitives::Address;
use domain::Amount;
use sqlx::{PgConnection, Row};

use crate::pg::{StoreError, to_bigint};

/// What an owner is about to pay of one token in batches under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// Who pays.
    pub owner: Address,
    /// In which token.
    pub token: Address,
    /// How much, over all batches.
    pub amount: Amount,
}

/// What is sold in batches that are decided and whose fills are not applied yet. Read it before
/// the block that funds are read at: then a fill is counted twice for a moment, never not at all.
///
/// # Errors
/// Those of the database.
pub async fn in_flight(
    conn: &mut PgConnection,
    chain_id: u64,
) -> Result<Vec<InFlight>, StoreError> {
    const QUERY: &str = "SELECT i.owner, i.sell_token, sum((f ->> 'sold')::numeric)::text AS amount
        FROM settlement s
        CROSS JOIN LATERAL jsonb_array_elements(s.bids) AS b
        CROSS JOIN LATERAL jsonb_array_elements(b -> 'fills') AS f
        JOIN intent i ON i.id = decode(substr(f ->> 'intent', 3), 'hex')
        WHERE s.chain_id = $1 AND s.status NOT IN ('final', 'expired', 'failed')
          AND i.auction_id = s.auction_id AND i.status IN ('matched', 'committed')
        GROUP BY i.owner, i.sell_token";
    let rows = sqlx::query(QUERY).bind(to_bigint(chain_id)?).fetch_all(conn).await?;
    rows.iter()
        .map(|row| {
            let address = |column| -> Result<Address, StoreError> {
                let bytes: &[u8] = row.try_get(column)?;
                Address::try_from(bytes).map_err(|_| StoreError::Corrupt(column))
            };
            // more than any balance is as good as 2^256 - 1
            let amount: &str = row.try_get("amount")?;
            let amount = amount.parse().unwrap_or(Amount::MAX);
            Ok(InFlight { owner: address("owner")?, token: address("sell_token")?, amount })
        })
        .collect()
}

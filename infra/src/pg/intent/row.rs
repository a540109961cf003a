//! A row of the table, read back into types that cannot be wrong.

use alloy::primitives::{Address, B256, Bytes};
use domain::{
    Amount, AuctionId, Intent, IntentId,
    event::{Event, IntentOpened, TxRef},
    intent::Bounds,
    status::IntentStatus,
};
use serde_json::{Map, Value, json};
use sqlx::{Row, postgres::PgRow};

use crate::pg::{StoreError, from_bigint};

/// The columns [`StoredIntent::read`] wants, for a query's select list.
macro_rules! columns {
    () => {
        "id, owner, receiver, sell_token, buy_token, sell_amount::text AS sell_amount, \
         buy_amount::text AS buy_amount, nonce::text AS nonce, valid_to, kind, partially_fillable, \
         app_data, signature, erc1271, status, filled::text AS filled, auction_id, \
         cancel_requested, invalidated, evidence, created_at_ms, arrival"
    };
}
pub(super) use columns;

/// An intent as it stands in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredIntent {
    /// Its EIP-712 digest.
    pub id: IntentId,
    /// What the owner signed.
    pub intent: Intent,
    /// The signature as sent: ECDSA, or whatever the owner's contract wants.
    pub signature: Bytes,
    /// Whether the owner's contract vouched for the signature (ERC-1271).
    pub erc1271: bool,
    /// Where it stands.
    pub status: IntentStatus,
    /// Filled so far, in the unit of the exact side.
    pub filled: Amount,
    /// The auction that holds it: cut and undecided, or won and unsettled.
    pub auction_id: Option<AuctionId>,
    /// Whether a cancellation waits for it to leave its auction.
    pub cancel_requested: bool,
    /// Transaction and block in which its owner took its nonce away. It is `cancelled` by that, or
    /// will be when its auction lets it go.
    pub invalidated: Option<TxRef>,
    /// Transaction and block behind `committed`, `filled` and the on-chain `cancelled`.
    pub evidence: Option<TxRef>,
    /// When it was accepted, Unix milliseconds.
    pub created_at_ms: u64,
    /// Its place in the order of arrival.
    pub arrival: i64,
}

impl StoredIntent {
    /// The event that tells of it being in the book.
    #[must_use]
    pub fn opened(&self) -> Event {
        Event::IntentOpened(IntentOpened {
            id: self.id,
            intent: self.intent.clone(),
            filled: self.filled,
            created_at_ms: self.created_at_ms,
        })
    }

    /// Whether it is to leave the book the moment nothing holds it: its owner asked for that, or took
    /// its nonce away on chain.
    #[must_use]
    pub const fn leaves(&self) -> bool {
        self.cancel_requested || self.invalidated.is_some()
    }

    /// Reads a row selected with [`columns!`].
    pub(super) fn read(row: &PgRow) -> Result<Self, StoreError> {
        let evidence = |column: &'static str| -> Result<Option<TxRef>, StoreError> {
            let value: Option<Value> = row.try_get(column)?;
            let read = value.map(serde_json::from_value).transpose();
            read.map_err(|_| StoreError::Corrupt(column))
        };
        let auction_id: Option<i64> = row.try_get("auction_id")?;
        let status: &str = row.try_get("status")?;
        let filled: &str = row.try_get("filled")?;
        let created_at_ms: i64 = row.try_get("created_at_ms")?;
        let id: &[u8] = row.try_get("id")?;
        Ok(Self {
            id: IntentId::try_from(id).map_err(|_| StoreError::Corrupt("intent.id"))?,
            intent: message(row)?,
            signature: Bytes::copy_from_slice(row.try_get("signature")?),
            erc1271: row.try_get("erc1271")?,
            status: status.parse().map_err(|_| StoreError::Corrupt("intent.status"))?,
            filled: filled.parse().map_err(|_| StoreError::Corrupt("intent.filled"))?,
            auction_id: auction_id
                .map(|number| from_bigint(number, "intent.auction_id").map(AuctionId::new))
                .transpose()?,
            cancel_requested: row.try_get("cancel_requested")?,
            invalidated: evidence("invalidated")?,
            evidence: evidence("evidence")?,
            created_at_ms: from_bigint(created_at_ms, "intent.created_at_ms")?,
            arrival: row.try_get("arrival")?,
        })
    }
}

/// The signed message, checked again by the only way in there is.
fn message(row: &PgRow) -> Result<Intent, StoreError> {
    let mut fields = Map::new();
    for (column, name) in [
        ("owner", "owner"),
        ("receiver", "receiver"),
        ("sell_token", "sellToken"),
        ("buy_token", "buyToken"),
    ] {
        let bytes: &[u8] = row.try_get(column)?;
        let address =
            Address::try_from(bytes).map_err(|_| StoreError::Corrupt("intent.address"))?;
        fields.insert(name.to_owned(), json!(address));
    }
    for (column, name) in
        [("sell_amount", "sellAmount"), ("buy_amount", "buyAmount"), ("nonce", "nonce")]
    {
        let text: String = row.try_get(column)?;
        fields.insert(name.to_owned(), Value::String(text));
    }
    let app_data: &[u8] = row.try_get("app_data")?;
    let app_data = B256::try_from(app_data).map_err(|_| StoreError::Corrupt("intent.app_data"))?;
    fields.insert("appData".to_owned(), json!(app_data));
    fields.insert("validTo".to_owned(), json!(row.try_get::<i64, _>("valid_to")?));
    fields.insert("kind".to_owned(), json!(row.try_get::<i16, _>("kind")?));
    let partially_fillable: bool = row.try_get("partially_fillable")?;
    fields.insert("partiallyFillable".to_owned(), Value::Bool(partially_fillable));
    Intent::parse(&fields, Bounds::any_time()).map_err(|_| StoreError::Corrupt("intent"))
}

/// Ids as the database takes them, in the one order in which rows are locked.
pub(super) fn sorted(ids: &[IntentId]) -> Vec<&[u8]> {
    let mut bytes: Vec<&[u8]> = ids.iter().map(IntentId::as_bytes).collect();
    bytes.sort_unstable();
    bytes.dedup();
    bytes
}

/// The id in column `id`.
pub(super) fn id_of(row: &PgRow) -> Result<IntentId, StoreError> {
    let id: &[u8] = row.try_get("id")?;
    IntentId::try_from(id).map_err(|_| StoreError::Corrupt("intent.id"))
}

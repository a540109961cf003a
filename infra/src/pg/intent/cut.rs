//! Into an auction, into its winning bids, and out of it again.

use domain::{
    AuctionId, IntentId,
    status::{IntentEvent, IntentStatus},
};
use sqlx::PgConnection;

use super::{
    read::get_many_for_update,
    row::{StoredIntent, columns, id_of, sorted},
    transition::{Landing, land},
};
use crate::pg::{StoreError, to_bigint};

/// Changes those intents of `$3` of which the condition holds, and returns them. Found by key,
/// whatever the statistics say: of the condition the planner sees nothing, or it would take it for
/// so rare that it compares every intent of an auction with every id wanted (a hundred
/// milliseconds for a thousand), and for `= ANY` it would walk the whole book.
macro_rules! by_key {
    ($set:literal, $condition:literal) => {
        concat!(
            "UPDATE intent ",
            $set,
            " FROM UNNEST($3::bytea[]) AS wanted (id) WHERE intent.id = wanted.id AND CASE WHEN ",
            $condition,
            " THEN true ELSE false END RETURNING intent.id"
        )
    };
}

/// Open intents in no auction that stay valid until `min_valid_to` (Unix seconds), from arrival
/// number `after` on, at most `limit`. A look without a lock: [`mark_cut`] decides.
///
/// # Errors
/// Those of the database.
pub async fn candidates(
    conn: &mut PgConnection,
    chain_id: u64,
    min_valid_to: u64,
    after: i64,
    limit: u32,
) -> Result<Vec<StoredIntent>, StoreError> {
    const QUERY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM intent WHERE chain_id = $1 AND status = 'open' AND arrival > $2
          AND auction_id IS NULL AND NOT cancel_requested AND valid_to >= $3
          ORDER BY arrival LIMIT $4"
    );
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(after)
        .bind(to_bigint(min_valid_to)?)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(StoredIntent::read).collect()
}

/// Puts those of `ids` that are still open and in no auction into `auction`, and returns them.
/// The transaction must hold the market's lock in its exclusive form.
///
/// # Errors
/// Those of the database.
pub async fn mark_cut(
    tx: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    ids: &[IntentId],
) -> Result<Vec<IntentId>, StoreError> {
    const QUERY: &str = by_key!(
        "SET auction_id = $2",
        "chain_id = $1 AND status = 'open' AND auction_id IS NULL AND NOT cancel_requested"
    );
    marked(tx, QUERY, chain_id, auction, ids).await
}

/// Puts those of `ids` that `from` holds, open and still wanted, into `to` at once, and returns them:
/// what [`release`] and [`mark_cut`] would do one after the other. The transaction must hold the
/// market's lock in its exclusive form.
///
/// # Errors
/// Those of the database.
pub async fn recut(
    tx: &mut PgConnection,
    chain_id: u64,
    (from, to): (AuctionId, AuctionId),
    ids: &[IntentId],
) -> Result<Vec<IntentId>, StoreError> {
    const QUERY: &str = by_key!(
        "SET auction_id = $4",
        "chain_id = $1 AND status = 'open' AND auction_id = $2
         AND NOT cancel_requested AND invalidated IS NULL"
    );
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(QUERY)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(from.get())?)
        .bind(sorted(ids))
        .bind(to_bigint(to.get())?)
        .fetch_all(tx)
        .await?;
    rows.iter().map(id_of).collect()
}

/// `open` to `matched` for those of `ids` that `auction` holds; returns them. Whoever is missing
/// was matched before or left the auction, and the caller knows which of the two can be.
///
/// # Errors
/// Those of the database.
pub async fn mark_matched(
    tx: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    ids: &[IntentId],
) -> Result<Vec<IntentId>, StoreError> {
    const QUERY: &str =
        by_key!("SET status = 'matched'", "chain_id = $1 AND status = 'open' AND auction_id = $2");
    marked(tx, QUERY, chain_id, auction, ids).await
}

async fn marked(
    tx: &mut PgConnection,
    query: &'static str,
    chain_id: u64,
    auction: AuctionId,
    ids: &[IntentId],
) -> Result<Vec<IntentId>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(query)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(sorted(ids))
        .fetch_all(tx)
        .await?;
    rows.iter().map(id_of).collect()
}

/// Lets those of `ids` that `auction` holds go: back into the book; or `cancelled`, if that was
/// asked for meanwhile or the nonce is gone on chain; or `expired`, if `now_s` (Unix seconds) is past their `validTo`. Returns
/// where each of them landed. What was not in this auction any more is left alone, so a repeat
/// changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn release(
    tx: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    ids: &[IntentId],
    now_s: u64,
) -> Result<Vec<(IntentId, IntentStatus)>, StoreError> {
    // nearly all of them: cut, not won, still wanted
    const BACK: &str = by_key!(
        "SET auction_id = NULL",
        "chain_id = $1 AND status = 'open' AND auction_id = $2
         AND NOT cancel_requested AND invalidated IS NULL AND valid_to >= $4"
    );
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(BACK)
        .bind(to_bigint(chain_id)?)
        .bind(to_bigint(auction.get())?)
        .bind(sorted(ids))
        .bind(to_bigint(now_s)?)
        .fetch_all(&mut *tx)
        .await?;
    let mut landed = Vec::with_capacity(ids.len());
    for row in &rows {
        landed.push((id_of(row)?, IntentStatus::Open));
    }
    if landed.len() == ids.len() {
        return Ok(landed);
    }
    let done: std::collections::HashSet<IntentId> = landed.iter().map(|(id, _)| *id).collect();
    let rest: Vec<IntentId> = ids.iter().copied().filter(|id| !done.contains(id)).collect();
    for row in get_many_for_update(tx, chain_id, &rest).await? {
        if row.auction_id == Some(auction) {
            let landing = Landing { event: IntentEvent::Release, evidence: None, now_s };
            if let Some(status) = land(tx, chain_id, &row, landing).await?.status() {
                landed.push((row.id, status));
            }
        }
    }
    Ok(landed)
}

/// Keeps those of `ids` that `auction` holds for another attempt, and returns them: `committed` to
/// `matched`. One that is to leave the book is let go instead.
///
/// # Errors
/// Those of the database.
pub async fn keep(
    tx: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    ids: &[IntentId],
    now_s: u64,
) -> Result<Vec<IntentId>, StoreError> {
    let mut kept = Vec::with_capacity(ids.len());
    for row in get_many_for_update(tx, chain_id, ids).await? {
        if row.auction_id != Some(auction) || !row.status.in_flight() {
            continue;
        }
        let event = if row.leaves() { IntentEvent::Release } else { IntentEvent::Retry };
        let landing = Landing { event, evidence: None, now_s };
        let landed = land(tx, chain_id, &row, landing).await?;
        if landed.status().unwrap_or(row.status) == IntentStatus::Matched {
            kept.push(row.id);
        }
    }
    Ok(kept)
}

/// Those of `ids` that are matched in `auction`, locked.
///
/// # Errors
/// Those of the database.
pub async fn lock_matched(
    tx: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    ids: &[IntentId],
) -> Result<Vec<StoredIntent>, StoreError> {
    let mut rows = get_many_for_update(tx, chain_id, ids).await?;
    rows.retain(|row| row.auction_id == Some(auction) && row.status == IntentStatus::Matched);
    Ok(rows)
}

/// `matched` to `committed` for those of `ids` that `auction` holds: the commitment they were in
/// counts again, and the evidence of it was kept.
///
/// # Errors
/// Those of the database.
pub async fn commit_again(
    tx: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
    ids: &[IntentId],
) -> Result<(), StoreError> {
    const QUERY: &str = by_key!(
        "SET status = 'committed'",
        "chain_id = $1 AND status = 'matched' AND auction_id = $2"
    );
    marked(tx, QUERY, chain_id, auction, ids).await?;
    Ok(())
}

//! When everything about an auction becomes public (design A11).

use domain::{
    AuctionId,
    auction::IntentInsight,
    event::{AuctionPublished, Event},
};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{Outcome, StoredAuction};
use crate::pg::{
    StoreError, event,
    timeline::{self, Entry},
    to_bigint,
};

/// Publishes an auction whose outcome is written and counted through, and none of whose batches can still be sealed:
/// before the last reveal is mined, or given up, contents would undo what commit-reveal hides. A second
/// attempt that is due is one that may still be sealed.
/// Tells the stream, and each of its intents what was offered. `false` if there was nothing to do.
/// To be called in the transaction that changes a settlement of it.
///
/// # Errors
/// Those of the database.
pub async fn publish_if_settled(
    conn: &mut PgConnection,
    chain_id: u64,
    auction: AuctionId,
) -> Result<bool, StoreError> {
    // whoever counts the decision through and whoever ends its last settlement each wait for the
    // other here, so that the second of them sees what the first one wrote
    const LOCK: &str = "SELECT FROM auction WHERE chain_id = $1 AND id = $2 FOR UPDATE";
    const QUERY: &str = "UPDATE auction SET status = 'published'
        WHERE chain_id = $1 AND id = $2 AND status IN ('decided', 'void') AND NOT uncounted
        AND NOT EXISTS (
            SELECT FROM settlement s WHERE s.chain_id = $1 AND s.auction_id = $2
            AND (s.status IN ('planned', 'commit_sent', 'committed', 'reveal_sent')
                 OR s.runner_up_due))";
    let (chain, number) = (to_bigint(chain_id)?, to_bigint(auction.get())?);
    sqlx::query(LOCK).bind(chain).bind(number).execute(&mut *conn).await?;
    let done = sqlx::query(QUERY).bind(chain).bind(number).execute(&mut *conn).await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let published = Event::AuctionPublished(AuctionPublished { auction_id: auction });
    event::append(conn, chain_id, &[published]).await?;
    if let Some(StoredAuction { outcome: Some(Outcome::Decided { insights, .. }), .. }) =
        super::get(conn, chain_id, auction).await?
    {
        let lines: Vec<Entry> = insights.iter().map(|found| line(auction, found)).collect();
        timeline::append(conn, &lines).await?;
    }
    Ok(true)
}

/// How many bids there were for an intent, the best of them and its distance to the limit, and
/// why the intent was filled or not.
fn line(auction: AuctionId, found: &IntentInsight) -> Entry {
    let mut detail = json!({
        "auction_id": auction, "bids": found.bids, "valid_bids": found.valid_bids,
        "best": found.best,
    });
    if let (Value::Object(detail), Ok(Value::Object(reason))) =
        (&mut detail, serde_json::to_value(&found.reason))
    {
        detail.extend(reason);
    }
    Entry { intent: found.intent, kind: "auction_result", detail }
}

//! The market's present state, in parts.
//!
//! No transaction is held while a slow reader takes its time. The parts are read one after the
//! other, each at least as new as the cursor that was noted first; the deltas after that cursor
//! repeat what a later part may have shown already. Applying one twice changes nothing, so the
//! reader ends with the state as it is.

use domain::event::{AuctionOpened, IntentOpened};
use infra::pg::{
    Pool, StoreError, auction,
    event::Cursor,
    intent::{self, StoredIntent},
};
use solvers::wire::Snapshot;

/// Intents in one part.
const PART: u32 = 500;

/// Where a snapshot in progress stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    part: u32,
    after: i64,
}

impl Progress {
    pub(super) const START: Self = Self { part: 0, after: 0 };
}

/// The next part, and how to go on unless it is the last.
pub(super) async fn next(
    pool: &Pool,
    chain_id: u64,
    cursor: Cursor,
    progress: Progress,
) -> Result<(Snapshot, Option<Progress>), StoreError> {
    let mut conn = pool.acquire().await?;
    let rows = intent::open_after(&mut conn, chain_id, progress.after, PART).await?;
    let more = u32::try_from(rows.len()).is_ok_and(|rows| rows == PART);
    let after = rows.last().map_or(progress.after, |row| row.arrival);
    let auction = if more { None } else { open_auction(&mut conn, chain_id).await? };
    let snapshot = Snapshot {
        part: progress.part,
        last: !more,
        cursor: solvers::wire::Cursor { epoch: cursor.epoch, seq: cursor.seq },
        intents: rows.into_iter().map(opened).collect(),
        auction,
    };
    let next = more.then_some(Progress { part: progress.part + 1, after });
    Ok((snapshot, next))
}

fn opened(row: StoredIntent) -> IntentOpened {
    IntentOpened {
        id: row.id,
        intent: row.intent,
        filled: row.filled,
        created_at_ms: row.created_at_ms,
    }
}

async fn open_auction(
    conn: &mut sqlx::PgConnection,
    chain_id: u64,
) -> Result<Option<AuctionOpened>, StoreError> {
    let Some(open) = auction::open(conn, chain_id).await? else { return Ok(None) };
    let record = open.opening;
    Ok(Some(AuctionOpened {
        auction_id: record.auction_id,
        open_hash: open.open_hash,
        opened_at_ms: record.opened_at_ms,
        closes_at_ms: record.closes_at_ms,
        block: record.block,
        intents: record.intents,
        prices: record.prices,
        params: record.params,
    }))
}

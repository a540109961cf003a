//! Whether batches are decided faster than they are settled.

use std::time::Duration;

use alloy::primitives::Address;
use sqlx::PgConnection;

use super::row::unsigned;
use crate::pg::{StoreError, to_bigint};

/// A settler that was not heard of for so long is not counted on.
const SEEN_S: i64 = 60;

/// What waits, and what could take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Decided batches that nobody has committed yet.
    pub planned: u64,
    /// Lanes of the settlers at work, all processes together.
    pub lanes: u64,
}

impl Backlog {
    /// How long a bid window should be so that what is planned now has found a lane when the next
    /// batch comes: `window` if nothing waits, at most eight times that. `occupied` is how long one
    /// settlement keeps a lane: the blocks from its commit to its reveal, and one to be seen in.
    #[must_use]
    pub fn window(&self, window: Duration, occupied: Duration) -> Duration {
        let longest = window.saturating_mul(8);
        let planned = u32::try_from(self.planned).unwrap_or(u32::MAX);
        let lanes = u32::try_from(self.lanes).unwrap_or(u32::MAX);
        match occupied.saturating_mul(planned).checked_div(lanes) {
            Some(drained) => window.max(drained.min(longest)),
            // no settler is at work: nothing is gained by deciding often
            None if self.planned > 0 => longest,
            None => window,
        }
    }
}

/// How many batches wait for a lane, and how many lanes there are.
///
/// # Errors
/// Those of the database.
pub async fn backlog(conn: &mut PgConnection, chain_id: u64) -> Result<Backlog, StoreError> {
    const QUERY: &str = "SELECT
        (SELECT count(*) FROM settlement WHERE chain_id = $1 AND status = 'planned'
            AND status NOT IN ('final', 'expired', 'failed')) AS planned,
        (SELECT coalesce(sum(lanes), 0) FROM settler WHERE chain_id = $1
            AND seen_at > clock_timestamp() - make_interval(secs => $2)) AS lanes";
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(SEEN_S);
    let row = query.fetch_one(conn).await?;
    Ok(Backlog { planned: unsigned(&row, "planned")?, lanes: unsigned(&row, "lanes")? })
}

/// A sign of life of a settler that can commit in so many lanes.
///
/// # Errors
/// Those of the database.
pub async fn report_settler(
    conn: &mut PgConnection,
    chain_id: u64,
    settler: Address,
    lanes: u32,
) -> Result<(), StoreError> {
    const QUERY: &str = "INSERT INTO settler (chain_id, settler, lanes) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT settler_pk
        DO UPDATE SET lanes = excluded.lanes, seen_at = clock_timestamp()";
    let lanes = i32::try_from(lanes).unwrap_or(i32::MAX);
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(settler.as_slice());
    query.bind(lanes).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(2);
    /// Three blocks of twelve seconds.
    const OCCUPIED: Duration = Duration::from_secs(36);

    #[test]
    fn a_window_grows_with_what_waits_and_shrinks_with_lanes() {
        let window = |planned, lanes| Backlog { planned, lanes }.window(WINDOW, OCCUPIED);
        assert_eq!(window(0, 4), WINDOW);
        assert_eq!(window(1, 4), Duration::from_secs(9));
        assert_eq!(window(1, 16), Duration::from_millis(2_250));
        assert_eq!(window(40, 4), WINDOW * 8);
        assert_eq!((window(0, 0), window(1, 0)), (WINDOW, WINDOW * 8));
    }
}

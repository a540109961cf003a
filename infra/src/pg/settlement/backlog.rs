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
    /// Batches on their way, a lane each.
    pub under_way: u64,
    /// Lanes of the settlers at work, all processes together.
    pub lanes: u64,
}

/// The longest window there is, in configured ones.
pub const LONGEST: u32 = 8;

impl Backlog {
    /// Planned batches for which no lane is free.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.planned.saturating_sub(self.lanes.saturating_sub(self.under_way))
    }

    /// How long a bid window should be so that what waits now has found a lane when the next batch
    /// comes: `window` if nothing waits, at most [`LONGEST`] times that. `occupied` is how long one
    /// settlement keeps a lane: the blocks from its commit to its reveal, and one to be seen in.
    #[must_use]
    pub fn window(&self, window: Duration, occupied: Duration) -> Duration {
        let longest = window.saturating_mul(LONGEST);
        let waiting = u32::try_from(self.waiting()).unwrap_or(u32::MAX);
        let lanes = u32::try_from(self.lanes).unwrap_or(u32::MAX);
        match occupied.saturating_mul(waiting).checked_div(lanes) {
            Some(drained) => window.max(drained.min(longest)),
            // no settler is at work: nothing is gained by deciding often
            None if self.planned > 0 => longest,
            None => window,
        }
    }
}

/// How many batches are planned and under way, and how many lanes there are for them.
///
/// # Errors
/// Those of the database.
pub async fn backlog(conn: &mut PgConnection, chain_id: u64) -> Result<Backlog, StoreError> {
    const QUERY: &str = "SELECT
        (SELECT count(*) FROM settlement WHERE chain_id = $1 AND status = 'planned') AS planned,
        (SELECT count(*) FROM settlement WHERE chain_id = $1
            AND status IN ('commit_sent', 'committed', 'reveal_sent')) AS under_way,
        (SELECT coalesce(sum(lanes), 0) FROM settler WHERE chain_id = $1
            AND seen_at > clock_timestamp() - make_interval(secs => $2)) AS lanes";
    let query = sqlx::query(QUERY).bind(to_bigint(chain_id)?).bind(SEEN_S);
    let row = query.fetch_one(conn).await?;
    Ok(Backlog {
        planned: unsigned(&row, "planned")?,
        under_way: unsigned(&row, "under_way")?,
        lanes: unsigned(&row, "lanes")?,
    })
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

    fn window(planned: u64, under_way: u64, lanes: u64) -> Duration {
        Backlog { planned, under_way, lanes }.window(WINDOW, OCCUPIED)
    }

    #[test]
    fn a_window_grows_with_what_waits_and_shrinks_with_lanes() {
        assert_eq!(window(0, 4, 4), WINDOW);
        assert_eq!(window(1, 4, 4), Duration::from_secs(9));
        assert_eq!(window(1, 16, 16), Duration::from_millis(2_250));
        assert_eq!(window(40, 4, 4), WINDOW * 8);
    }

    #[test]
    fn what_finds_a_free_lane_does_not_wait() {
        assert_eq!((window(1, 0, 4), window(4, 0, 4), window(1, 3, 4)), (WINDOW, WINDOW, WINDOW));
        assert_eq!(window(5, 0, 4), Duration::from_secs(9));
        // more under way than there are lanes now: a settler went away
        assert_eq!(window(1, 9, 4), Duration::from_secs(9));
    }

    #[test]
    fn without_a_settler_windows_are_the_longest_as_soon_as_anything_is_planned() {
        assert_eq!((window(0, 0, 0), window(1, 0, 0)), (WINDOW, WINDOW * 8));
    }
}

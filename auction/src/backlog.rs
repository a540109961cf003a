//! How long the next window is. Batches that are decided faster than they are settled would only
//! wait, their intents locked and their bids growing old: so while any wait for a lane windows are longer,
//! up to [`LONGEST`](infra::pg::settlement::LONGEST) times what is configured.

use std::time::Duration;

use infra::{
    config::ChainConfig,
    pg::{self, settlement::Backlog},
};

use crate::{AuctionError, Market, measure};

impl Market {
    /// How long the window that opens now is, milliseconds.
    pub(crate) async fn next_window_ms(&mut self) -> Result<u64, AuctionError> {
        let mut conn = self.connection().await?;
        let backlog = pg::settlement::backlog(&mut conn, self.chain_id()).await?;
        drop(conn);
        let window = backlog.window(self.configured_window(), occupied(&self.config.chain));
        self.take_window(window, &backlog);
        Ok(millis(window))
    }

    /// How long the last window was: what the next one will be, about.
    pub(crate) fn window_ms(&self) -> u64 {
        millis(self.window.unwrap_or_else(|| self.configured_window()))
    }

    fn take_window(&mut self, window: Duration, backlog: &Backlog) {
        measure::window(window);
        let before = self.window.replace(window).unwrap_or_else(|| self.configured_window());
        if before != window {
            tracing::info!(
                window_ms = window.as_millis(),
                before_ms = before.as_millis(),
                waiting = backlog.waiting(),
                lanes = backlog.lanes,
                "another window: it follows what waits for a lane"
            );
        }
    }

    fn configured_window(&self) -> Duration {
        Duration::from_millis(self.config.auction.window_ms)
    }
}

/// How long a settlement keeps its lane: a block until its commit is mined, those until that is
/// confirmed, and one for the reveal.
fn occupied(chain: &ChainConfig) -> Duration {
    let blocks = chain.confirmations.saturating_add(2);
    Duration::from_millis(chain.block_time_ms.saturating_mul(blocks))
}

fn millis(window: Duration) -> u64 {
    u64::try_from(window.as_millis()).unwrap_or(u64::MAX)
}

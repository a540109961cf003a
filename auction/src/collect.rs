//! Closing a window and reading what came in to its end.

use std::{sync::Arc, time::Duration};

use crate::{
    AuctionError, Market,
    cut::Opened,
    follow::aside,
    stream::{Stream, VoidReason},
};
use infra::pg::{self, auction::Closing};

/// What a window brought.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) stream: Arc<Stream>,
    pub(crate) closing: Closing,
    /// Why it cannot be vouched for, if it cannot.
    pub(crate) void: Option<VoidReason>,
}

impl Market {
    /// How long until the window closes, by the clock that decides: Redis'.
    pub(crate) async fn until_close(&self, opened: &Opened) -> Result<Duration, AuctionError> {
        let closes_at_ms = opened.cut.opening().closes_at_ms;
        let now_ms = self.queue.time_ms().await?;
        Ok(Duration::from_millis(closes_at_ms.saturating_sub(now_ms)))
    }

    /// Closes the queue and reads it to its end.
    pub(crate) async fn collect(
        &self,
        opened: &Opened,
        stream: Stream,
    ) -> Result<Collected, AuctionError> {
        let closes_at_ms = opened.cut.opening().closes_at_ms;
        let Some(count) = self.queue.close(opened.id(), closes_at_ms).await? else {
            return collected(Err(VoidReason::QueueLost)).await;
        };
        let stream = match self.read_on(opened, stream).await? {
            // Redis went back in time: what it holds now is what counts
            Ok(stream) if stream.bids.len() != count => {
                self.read_on(opened, Stream::default()).await?
            }
            read => read,
        };
        collected(stream).await
    }

    /// What was collected of an auction whose root is announced: its durable rows, whatever became
    /// of the queue since.
    pub(crate) async fn collected_before(
        &self,
        opened: &Opened,
        closing: Closing,
    ) -> Result<Collected, AuctionError> {
        let mut conn = self.connection().await?;
        let rows = pg::bid::of_auction(&mut conn, self.chain_id(), opened.id()).await?;
        drop(conn);
        let stream = aside(move || Stream::of_rows(rows.into_iter().map(|row| row.placed)));
        let found = collected(Ok(stream.await?)).await?;
        let void = (found.closing != closing).then_some(VoidReason::BidsDisagree);
        Ok(Collected { closing, void, ..found })
    }
}

async fn collected(stream: Result<Stream, VoidReason>) -> Result<Collected, AuctionError> {
    let (stream, void) = match stream {
        Ok(stream) => (stream, None),
        Err(reason) => (Stream::default(), Some(reason)),
    };
    let (stream, closing) = aside(move || {
        let closing = stream.closing();
        (stream, closing)
    })
    .await?;
    Ok(Collected { stream: Arc::new(stream), closing, void })
}

//! The stream of events, which heals itself.

use std::{pin::Pin, time::Duration};

use eventsource_stream::{Event as Sse, Eventsource as _};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::Instant;

use super::{
    Client, ClientError,
    backoff::Backoff,
    frame::{Frame, StreamItem, read},
};
use crate::wire::{Cursor, Hello, ResyncRequired, SubscribeFrom};

type Connection = Pin<Box<dyn Stream<Item = Result<Sse, String>> + Send>>;

/// Heartbeats that may be missed before a connection counts as lost.
const MISSED_HEARTBEATS: u32 = 3;

/// Events by SSE. A lost connection is made again after a wait and resumed behind the last event;
/// a gap, another epoch or a `resync_required` starts again from a snapshot, announced by
/// [`StreamItem::Resync`]. Repeated events are passed over.
pub struct EventSource {
    client: Client,
    from: SubscribeFrom,
    connection: Option<Connection>,
    silence: Option<Duration>,
    /// The epoch and last number seen on this connection; `None` until they are known.
    seen: Option<Cursor>,
    backoff: Backoff,
    wait_until: Option<Instant>,
}

impl EventSource {
    pub(super) fn new(client: Client, from: SubscribeFrom) -> Self {
        let seen = after(from);
        let backoff = Backoff::default();
        Self { client, from, connection: None, silence: None, seen, backoff, wait_until: None }
    }

    /// Where a later subscription may resume; `None` before the first snapshot or event.
    #[must_use]
    pub const fn cursor(&self) -> Option<Cursor> {
        match self.from {
            SubscribeFrom::After(cursor) => Some(cursor),
            SubscribeFrom::Snapshot | SubscribeFrom::Now => None,
        }
    }

    /// The next item; waits for as long as the server is away. May be dropped and called again
    /// without losing anything.
    ///
    /// # Errors
    /// Only what waiting cannot mend: the server refuses the subscription for good, or speaks
    /// another protocol.
    pub async fn next(&mut self) -> Result<StreamItem, ClientError> {
        loop {
            match self.step().await {
                Ok(Some(item)) => return Ok(item),
                Ok(None) => {}
                Err(error) if error.retryable() => {
                    tracing::warn!(%error, "stream lost, connecting again");
                    self.disconnect();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The items as a [`Stream`]; it ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<StreamItem, ClientError>> + Send {
        stream::unfold(Some(self), |source| async {
            let mut source = source?;
            match source.next().await {
                Ok(item) => Some((Ok(item), Some(source))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn step(&mut self) -> Result<Option<StreamItem>, ClientError> {
        if let Some(until) = self.wait_until {
            tokio::time::sleep_until(until).await;
            self.wait_until = None;
        }
        let Some(connection) = &mut self.connection else {
            self.connect().await?;
            return Ok(None);
        };
        let silence = self.silence.unwrap_or(super::STREAM_SILENCE);
        let sse = match tokio::time::timeout(silence, connection.next()).await {
            Ok(Some(Ok(sse))) => sse,
            Ok(Some(Err(error))) => return Err(ClientError::Stream(error)),
            Ok(None) => return Err(ClientError::Stream("closed by the server".to_owned())),
            Err(_) => return Err(ClientError::Stream("no heartbeat".to_owned())),
        };
        match read(&sse.event, &sse.data)? {
            Frame::Item(item) => Ok(self.place(item)),
            Frame::Unknown { cursor } => Ok(self.advance(cursor).err()),
            Frame::Other => Ok(None),
        }
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        let response = self.client.open_stream(self.from).await?;
        let events = response.bytes_stream().eventsource();
        self.connection = Some(Box::pin(events.map(|event| event.map_err(|e| e.to_string()))));
        self.seen = after(self.from);
        Ok(())
    }

    fn disconnect(&mut self) {
        self.connection = None;
        self.wait_until = Some(Instant::now() + self.backoff.next());
    }

    /// Keeps the place; `None` for what the caller has seen before.
    fn place(&mut self, item: StreamItem) -> Option<StreamItem> {
        match &item {
            StreamItem::Hello(hello) => {
                let stale = self.greet(hello);
                return Some(stale.unwrap_or(item));
            }
            StreamItem::Snapshot(part) => {
                if part.last {
                    self.arrive(part.cursor);
                }
            }
            StreamItem::Event(event) => match self.advance(event.cursor) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(resync) => return Some(resync),
            },
            StreamItem::Heartbeat(_) => self.backoff.reset(),
            StreamItem::Resync(why) => return Some(self.resync(&why.reason)),
        }
        Some(item)
    }

    fn greet(&mut self, hello: &Hello) -> Option<StreamItem> {
        let beat = Duration::from_millis(hello.heartbeat_ms);
        let silence = beat.saturating_mul(MISSED_HEARTBEATS);
        self.silence = Some(silence.clamp(Duration::from_secs(1), super::STREAM_SILENCE));
        match self.from {
            SubscribeFrom::After(cursor) if cursor.epoch != hello.epoch => {
                Some(self.resync("epoch"))
            }
            SubscribeFrom::After(_) | SubscribeFrom::Snapshot => None,
            SubscribeFrom::Now => {
                // what happens while we are away is still "from now on"
                self.from =
                    SubscribeFrom::After(Cursor { epoch: hello.epoch, seq: hello.head_seq });
                None
            }
        }
    }

    /// Whether the event is new; the error is the item that announces a fresh start.
    fn advance(&mut self, cursor: Cursor) -> Result<bool, StreamItem> {
        match self.seen {
            Some(seen) if seen.epoch != cursor.epoch => return Err(self.resync("epoch")),
            Some(seen) if cursor.seq <= seen.seq => return Ok(false),
            Some(seen) if cursor.seq > seen.seq + 1 => return Err(self.resync("gap")),
            Some(_) | None => {}
        }
        self.arrive(cursor);
        Ok(true)
    }

    fn arrive(&mut self, cursor: Cursor) {
        self.seen = Some(cursor);
        self.from = SubscribeFrom::After(cursor);
        self.backoff.reset();
    }

    fn resync(&mut self, reason: &str) -> StreamItem {
        tracing::warn!(reason, "events were lost, starting from a snapshot");
        self.from = SubscribeFrom::Snapshot;
        self.disconnect();
        StreamItem::Resync(ResyncRequired { reason: reason.to_owned() })
    }
}

const fn after(from: SubscribeFrom) -> Option<Cursor> {
    match from {
        SubscribeFrom::After(cursor) => Some(cursor),
        SubscribeFrom::Snapshot | SubscribeFrom::Now => None,
    }
}

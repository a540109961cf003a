//! The one tail of the process and the fan-out behind it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use infra::{
    pg::{
        Pool, StoreError,
        event::{self, Cursor, StreamedEvent},
    },
    redis,
    run::sleep_or_cancelled,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Frame, shuffle::Shuffler};

/// Events kept at hand: most who come back have missed no more than this.
const RING: usize = 4_096;

/// The pause after Postgres did not answer.
const PAUSE: Duration = Duration::from_millis(250);

/// The latest events, and who listens.
#[derive(Debug)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    buffer: usize,
}

#[derive(Debug)]
struct Inner {
    /// The epoch and number of the last event passed on; `None` until the tail has begun.
    head: Option<Cursor>,
    ring: VecDeque<Arc<Frame>>,
    listeners: Vec<mpsc::Sender<Arc<Frame>>>,
    shuffler: Shuffler,
}

/// A place in the fan-out.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Ends when the buffer overflowed, or the epoch changed.
    pub(crate) frames: mpsc::Receiver<Arc<Frame>>,
    /// The last event before the first frame of `frames`.
    pub(crate) head: Cursor,
}

impl Hub {
    /// A hub whose subscribers may fall `buffer` events behind.
    pub(crate) fn new(buffer: usize) -> Self {
        let inner = Inner {
            head: None,
            ring: VecDeque::with_capacity(RING),
            listeners: Vec::new(),
            shuffler: Shuffler::new(),
        };
        Self { inner: Mutex::new(inner), buffer: buffer.max(1) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the tail stands; `None` while it has not begun.
    pub(crate) fn head(&self) -> Option<Cursor> {
        self.lock().head
    }

    /// Takes a seat: every later event will be in its frames.
    pub(crate) fn sit(&self) -> Option<Seat> {
        let mut inner = self.lock();
        let head = inner.head?;
        let (sender, frames) = mpsc::channel(self.buffer);
        inner.listeners.push(sender);
        Some(Seat { frames, head })
    }

    /// The events after `cursor` up to the head, if all of them are at hand.
    pub(crate) fn recent(&self, cursor: Cursor) -> Option<Vec<Arc<Frame>>> {
        let inner = self.lock();
        let head = inner.head?;
        if head.epoch != cursor.epoch || cursor.seq > head.seq {
            return None;
        }
        let missing = usize::try_from(head.seq - cursor.seq).ok()?;
        let skip = inner.ring.len().checked_sub(missing)?;
        Some(inner.ring.iter().skip(skip).cloned().collect())
    }

    /// Begins, or begins anew, after `cursor`: whoever listened must resync.
    fn begin(&self, cursor: Cursor) {
        let mut inner = self.lock();
        inner.head = Some(cursor);
        inner.ring.clear();
        inner.listeners.clear();
    }

    /// Passes an event on, to everybody in random order. One whose buffer is full loses its seat:
    /// it finds the end of its frames after the last one that fitted. Never waits.
    fn push(&self, frame: Frame) {
        let frame = Arc::new(frame);
        let mut inner = self.lock();
        let Inner { head, ring, listeners, shuffler } = &mut *inner;
        *head = Some(frame.cursor);
        if ring.len() == RING {
            ring.pop_front();
        }
        ring.push_back(frame.clone());
        shuffler.shuffle(listeners);
        let started = Instant::now();
        listeners.retain(|listener| match listener.try_send(frame.clone()) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                metrics::counter!("gavel_stream_overflows_total").increment(1);
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
        if listeners.len() > 1 {
            // how much later than the first the last one heard of it
            metrics::histogram!("gavel_stream_skew_seconds").record(started.elapsed());
        }
    }

    /// Lets everybody go.
    fn end(&self) {
        self.lock().listeners.clear();
    }
}

/// Runs the tail until `stop`.
pub(crate) async fn follow(
    hub: Arc<Hub>,
    pool: Pool,
    redis: redis::Store,
    stop: CancellationToken,
) {
    let Some(start) = start(&pool, redis.chain_id(), &stop).await else { return };
    hub.begin(start);
    let mut at = start;
    let mut events = Box::pin(redis.tail_events(start));
    loop {
        let event = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            event = events.next() => event,
        };
        let Some(event) = event else { break };
        if event.epoch != at.epoch {
            at = Cursor { epoch: event.epoch, seq: event.seq.saturating_sub(1) };
            hub.begin(at);
        }
        if event.seq > at.seq + 1 {
            at = fill(&hub, &pool, redis.chain_id(), at, event.seq, &stop).await;
            if event.seq > at.seq + 1 {
                // what is nowhere any more cannot be passed on: everybody starts from a snapshot
                at = Cursor { epoch: event.epoch, seq: event.seq - 1 };
                hub.begin(at);
            }
        }
        if event.seq == at.seq + 1 {
            at = event.cursor();
            lag(&event);
            hub.push(Frame::new(&event));
        }
    }
    hub.end();
}

/// Where the tail begins: at the head, for history is in Postgres.
async fn start(pool: &Pool, chain_id: u64, stop: &CancellationToken) -> Option<Cursor> {
    loop {
        match head(pool, chain_id).await {
            Ok(cursor) => return Some(cursor),
            Err(error) => tracing::warn!(%error, "the stream's head cannot be read"),
        }
        if sleep_or_cancelled(stop, PAUSE).await {
            return None;
        }
    }
}

/// The stream's epoch and highest number.
pub(crate) async fn head(pool: &Pool, chain_id: u64) -> Result<Cursor, StoreError> {
    let mut conn = pool.acquire().await?;
    let epoch = event::epoch(&mut conn, chain_id).await?;
    Ok(Cursor { epoch, seq: event::head(&mut conn, chain_id).await? })
}

/// Passes on what Redis no longer keeps, from `at` up to before `next`.
async fn fill(
    hub: &Hub,
    pool: &Pool,
    chain_id: u64,
    mut at: Cursor,
    next: u64,
    stop: &CancellationToken,
) -> Cursor {
    while at.seq + 1 < next && !stop.is_cancelled() {
        let read = async {
            let mut conn = pool.acquire().await?;
            event::after(&mut conn, chain_id, at.seq, 500).await
        };
        match read.await {
            Ok(events) if events.is_empty() => {
                tracing::error!(after = at.seq, before = next, "the stream has a gap for good");
                break;
            }
            Ok(events) => {
                for event in events.iter().take_while(|event| event.seq < next) {
                    at = event.cursor();
                    hub.push(Frame::new(event));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a gap of the stream cannot be read");
                if sleep_or_cancelled(stop, PAUSE).await {
                    break;
                }
            }
        }
    }
    at
}

/// From the commit of an event to its fan-out.
fn lag(event: &StreamedEvent) {
    let lag = crate::clock::now_ms().saturating_sub(event.at_ms);
    metrics::histogram!("gavel_stream_lag_seconds").record(Duration::from_millis(lag));
}

#[cfg(test)]
mod tests {
    use super::{super::frame::tests::event, *};

    fn hub(buffer: usize) -> Hub {
        let hub = Hub::new(buffer);
        hub.begin(Cursor { epoch: 1, seq: 10 });
        hub
    }

    fn push(hub: &Hub, seqs: std::ops::RangeInclusive<u64>) {
        for seq in seqs {
            hub.push(Frame::new(&event(1, seq)));
        }
    }

    #[tokio::test]
    async fn a_seat_gets_every_later_event_in_order() {
        let hub = hub(8);
        push(&hub, 11..=12);
        let mut seat = hub.sit().unwrap();
        assert_eq!(seat.head.seq, 12);
        push(&hub, 13..=15);
        for seq in 13..=15 {
            assert_eq!(seat.frames.recv().await.unwrap().cursor.seq, seq);
        }
    }

    #[tokio::test]
    async fn who_falls_behind_its_buffer_gets_what_fitted_and_then_the_end() {
        let hub = hub(2);
        let mut seat = hub.sit().unwrap();
        push(&hub, 11..=14);
        assert_eq!(seat.frames.recv().await.unwrap().cursor.seq, 11);
        assert_eq!(seat.frames.recv().await.unwrap().cursor.seq, 12);
        assert!(seat.frames.recv().await.is_none());
    }

    #[test]
    fn recent_events_are_at_hand_and_older_ones_are_not() {
        let hub = hub(2);
        push(&hub, 11..=14);
        let recent = |epoch, seq| hub.recent(Cursor { epoch, seq });
        let seqs =
            |frames: Vec<Arc<Frame>>| frames.iter().map(|f| f.cursor.seq).collect::<Vec<_>>();
        assert_eq!(recent(1, 12).map(seqs), Some(vec![13, 14]));
        assert_eq!(recent(1, 14).map(seqs), Some(vec![]));
        assert!(recent(1, 9).is_none(), "before the tail began");
        assert!(recent(2, 12).is_none(), "another epoch");
        assert!(recent(1, 15).is_none(), "in the future");
    }

    #[test]
    fn a_hub_that_has_not_begun_seats_nobody() {
        assert!(Hub::new(1).sit().is_none());
    }
}

//! One subscriber's way through the stream: hello, perhaps a snapshot, history, then live.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix_web::web::Data;
use infra::pg::{StoreError, event, event::Cursor};
use solvers::wire::{
    self, Heartbeat, Hello, PROTOCOL, ResyncRequired, Snapshot, StreamLimits, SubscribeFrom,
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    Frame,
    hub::Seat,
    snapshot::{self, Progress},
};
use crate::{app::App, clock, problem::Problem};

/// Events of history read at a time.
const PAGE: u32 = 500;
/// The pause after Postgres did not answer.
const PAUSE: Duration = Duration::from_millis(250);

/// What a subscriber is told, whatever the transport.
#[derive(Debug)]
pub(crate) enum Item {
    /// First of all.
    Hello(Box<Hello>),
    /// A part of the present state.
    Snapshot(Box<Snapshot>),
    /// Something happened.
    Event(Arc<Frame>),
    /// Nothing happened.
    Heartbeat(Heartbeat),
    /// Events were lost to this subscriber; nothing follows.
    Resync(ResyncRequired),
    /// The process stops; resume here, elsewhere. Nothing follows.
    Closing(wire::Cursor),
}

enum State {
    Snapshot(Progress),
    History(Option<Seat>),
    Live(mpsc::Receiver<Arc<Frame>>),
    Over,
}

/// A subscriber.
pub(crate) struct Subscription {
    app: Data<App>,
    state: State,
    at: Cursor,
    pending: VecDeque<Item>,
    told: Instant,
}

impl Subscription {
    /// Looks where the stream stands. Says no hello: a WebSocket has said it when it opened.
    pub(crate) async fn open(app: &Data<App>, from: SubscribeFrom) -> Result<Self, Problem> {
        let (head, oldest) = standing(app).await?;
        let mut pending = VecDeque::new();
        let (at, state) = match from {
            SubscribeFrom::Snapshot => (head, State::Snapshot(Progress::START)),
            SubscribeFrom::Now => (head, State::History(None)),
            SubscribeFrom::After(cursor) => match unknown(cursor, head, oldest) {
                None => {
                    let at = Cursor { epoch: cursor.epoch, seq: cursor.seq };
                    (at, State::History(None))
                }
                Some(reason) => {
                    pending.push_back(resync(reason));
                    (head, State::Over)
                }
            },
        };
        Ok(Self { app: app.clone(), state, at, pending, told: Instant::now() })
    }

    /// The same, with a hello before anything else.
    pub(crate) async fn greeted(app: &Data<App>, from: SubscribeFrom) -> Result<Self, Problem> {
        let hello = hello(app).await?;
        let said = wire::Cursor { epoch: hello.epoch, seq: hello.head_seq };
        // `now` is the head the hello names: looking twice would lose what comes in between
        let from = match from {
            SubscribeFrom::Now => SubscribeFrom::After(said),
            SubscribeFrom::Snapshot | SubscribeFrom::After(_) => from,
        };
        let mut subscription = Self::open(app, from).await?;
        subscription.pending.push_front(Item::Hello(Box::new(hello)));
        Ok(subscription)
    }

    /// The next thing to tell; `None` at the end. May be dropped and called again: nothing is
    /// lost.
    pub(crate) async fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.pending.pop_front() {
                self.told = Instant::now();
                return Some(item);
            }
            if self.app.stop.is_cancelled() && !matches!(self.state, State::Over) {
                self.close();
                continue;
            }
            let step = match &mut self.state {
                State::Over => return None,
                State::Live(_) => {
                    self.live().await;
                    Ok(())
                }
                State::Snapshot(progress) => {
                    let progress = *progress;
                    self.snapshot(progress).await
                }
                State::History(_) => self.history().await,
            };
            if let Err(error) = step {
                tracing::warn!(%error, "the stream's history cannot be read");
                self.pause().await;
            }
        }
    }

    async fn snapshot(&mut self, progress: Progress) -> Result<(), StoreError> {
        let chain_id = self.app.domain.chain_id();
        let (part, next) = snapshot::next(&self.app.pool, chain_id, self.at, progress).await?;
        self.pending.push_back(Item::Snapshot(Box::new(part)));
        self.state = next.map_or(State::History(None), State::Snapshot);
        Ok(())
    }

    /// One step towards the tail; level with it, the seat becomes the source.
    async fn history(&mut self) -> Result<(), StoreError> {
        let State::History(seat) = &mut self.state else { return Ok(()) };
        if seat.as_ref().is_some_and(|seat| seat.head.epoch != self.at.epoch) {
            self.pending.push_back(resync("epoch"));
            self.state = State::Over;
            return Ok(());
        }
        if let Some(level) = seat.take_if(|seat| self.at.seq >= seat.head.seq) {
            self.state = State::Live(level.frames);
            return Ok(());
        }
        let frames = match self.app.hub.recent(self.at) {
            Some(frames) => frames,
            None => self.page().await?,
        };
        let level = u32::try_from(frames.len()).is_ok_and(|read| read < PAGE);
        let seated = matches!(&self.state, State::History(Some(_)));
        let whole = !(seated && frames.is_empty());
        for frame in frames {
            if !self.follows(frame.cursor) {
                self.tear();
                return Ok(());
            }
            self.at = frame.cursor;
            self.pending.push_back(Item::Event(frame));
        }
        if !whole {
            self.tear();
            return Ok(());
        }
        if let State::History(seat @ None) = &mut self.state
            && level
        {
            *seat = self.app.hub.sit();
            if seat.is_none() && self.pending.is_empty() {
                // the tail has not begun yet
                self.pause().await;
            }
        }
        Ok(())
    }

    async fn page(&self) -> Result<Vec<Arc<Frame>>, StoreError> {
        let mut conn = self.app.pool.acquire().await?;
        let chain_id = self.app.domain.chain_id();
        let events = event::after(&mut conn, chain_id, self.at.seq, PAGE).await?;
        Ok(events.iter().map(|event| Arc::new(Frame::new(event))).collect())
    }

    async fn live(&mut self) {
        let State::Live(frames) = &mut self.state else { return };
        let beat = self.told + Duration::from_millis(self.app.config.api.heartbeat_ms);
        tokio::select! {
            biased;
            () = self.app.stop.cancelled() => self.close(),
            frame = frames.recv() => match frame {
                Some(frame) => self.pass_on(frame),
                None if self.app.stop.is_cancelled() => self.close(),
                None => self.lose(),
            },
            () = tokio::time::sleep_until(beat) => {
                let head_seq = self.app.hub.head().map_or(self.at.seq, |head| head.seq);
                self.pending.push_back(Item::Heartbeat(Heartbeat { head_seq }));
            }
        }
    }

    fn pass_on(&mut self, frame: Arc<Frame>) {
        let next = frame.cursor;
        if next.epoch == self.at.epoch && next.seq <= self.at.seq {
            return;
        }
        if !self.follows(next) {
            self.tear();
            return;
        }
        self.at = next;
        self.pending.push_back(Item::Event(frame));
    }

    /// Whether an event is the very next one.
    fn follows(&self, next: Cursor) -> bool {
        next.epoch == self.at.epoch && next.seq == self.at.seq + 1
    }

    /// An event is missing for good: never silence, but an honest start from a snapshot.
    fn tear(&mut self) {
        self.pending.push_back(resync("gap"));
        self.state = State::Over;
    }

    /// The seat is lost: the reader was too slow, or history begins anew.
    fn lose(&mut self) {
        let same = self.app.hub.head().is_some_and(|head| head.epoch == self.at.epoch);
        self.pending.push_back(resync(if same { "slow_reader" } else { "epoch" }));
        self.state = State::Over;
    }

    fn close(&mut self) {
        let at = wire::Cursor { epoch: self.at.epoch, seq: self.at.seq };
        self.pending.push_back(Item::Closing(at));
        self.state = State::Over;
    }

    async fn pause(&self) {
        infra::run::sleep_or_cancelled(&self.app.stop, PAUSE).await;
    }
}

fn resync(reason: &str) -> Item {
    Item::Resync(ResyncRequired { reason: reason.to_owned() })
}

/// Why a cursor cannot be resumed from.
pub(crate) fn unknown(cursor: wire::Cursor, head: Cursor, oldest: u64) -> Option<&'static str> {
    if cursor.epoch != head.epoch || cursor.seq > head.seq {
        Some("epoch")
    } else if cursor.seq + 1 < oldest {
        Some("retention")
    } else {
        None
    }
}

/// The stream's head, and the oldest number that is kept.
pub(crate) async fn standing(app: &App) -> Result<(Cursor, u64), StoreError> {
    let chain_id = app.domain.chain_id();
    let head = super::hub::head(&app.pool, chain_id).await?;
    let mut conn = app.pool.acquire().await?;
    let oldest = event::oldest(&mut conn, chain_id).await?;
    Ok((head, oldest))
}

/// What is said first on every connection.
pub(crate) async fn hello(app: &App) -> Result<Hello, StoreError> {
    let (head, oldest_seq) = standing(app).await?;
    let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Ok(Hello {
        protocol: PROTOCOL.to_owned(),
        epoch: head.epoch,
        head_seq: head.seq,
        oldest_seq,
        server_time_ms: clock::now_ms(),
        heartbeat_ms: app.config.api.heartbeat_ms,
        limits: StreamLimits {
            max_body_bytes: wide(app.config.api.max_body_bytes),
            max_bids_per_solver: u64::from(app.config.auction.max_bids_per_solver),
            buffered_events: wide(app.config.api.stream_buffer),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_epoch_of_the_future_or_before_retention_is_unknown() {
        let head = Cursor { epoch: 2, seq: 100 };
        let at = |epoch, seq| unknown(wire::Cursor { epoch, seq }, head, 10);
        assert_eq!(at(2, 100), None);
        assert_eq!(at(2, 9), None, "the next one, 10, is still kept");
        assert_eq!(at(2, 8), Some("retention"));
        assert_eq!(at(2, 101), Some("epoch"));
        assert_eq!(at(1, 50), Some("epoch"));
    }
}

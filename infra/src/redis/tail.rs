//! Following the stream: one connection of its own, for as long as the process lives.

use std::{collections::VecDeque, time::Duration};

use futures_util::{Stream, stream};
use redis::{Value, aio::MultiplexedConnection};
use serde_json::value::RawValue;

use super::{RedisError, Store};
use crate::pg::event::{Cursor, StreamedEvent};

/// How long one read waits for news.
const PATIENCE: Duration = Duration::from_secs(1);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_millis(250);
/// Events read at a time.
const PAGE: usize = 500;

impl Store {
    /// The events after `from`, in order, without end: failures are logged and waited out, and
    /// dropping the stream is how to stop. Two things the reader must watch: a `seq` that is not
    /// the last one plus 1 means that events in between are no longer kept here (read them with
    /// [`crate::pg::event::after`]); another `epoch` means that history went back, the events
    /// begin anew with the oldest one kept, and every subscriber must resync.
    pub fn tail_events(&self, from: Cursor) -> impl Stream<Item = StreamedEvent> + Send + use<> {
        let tail = Tail { store: self.clone(), connection: None, at: from, read: VecDeque::new() };
        Box::pin(stream::unfold(tail, |mut tail| async move {
            let event = tail.next().await;
            Some((event, tail))
        }))
    }
}

struct Tail {
    store: Store,
    connection: Option<MultiplexedConnection>,
    at: Cursor,
    read: VecDeque<StreamedEvent>,
}

impl Tail {
    async fn next(&mut self) -> StreamedEvent {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.at = event.cursor();
                return event;
            }
            if let Err(error) = self.fill().await {
                tracing::warn!(%error, seq = self.at.seq, "event stream not readable");
                metrics::counter!("gavel_tail_failures_total").increment(1);
                self.connection = None;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn fill(&mut self) -> Result<(), RedisError> {
        let events = self.news().await?;
        match events.first().map(|event| event.epoch) {
            Some(epoch) if epoch != self.at.epoch => self.begin_anew(epoch),
            Some(_) => self.read.extend(events),
            // silence: perhaps because the stream tells another history now, with lower numbers
            None => {
                let top = self.store.publish(self.at.epoch, u64::MAX, &[]).await?;
                if top.last > 0 && top.epoch != self.at.epoch {
                    self.begin_anew(top.epoch);
                }
            }
        }
        Ok(())
    }

    fn begin_anew(&mut self, epoch: u64) {
        tracing::warn!(from = %self.at, epoch, "the stream's epoch changed");
        self.at = Cursor { epoch, seq: 0 };
    }

    async fn news(&mut self) -> Result<Vec<StreamedEvent>, RedisError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.store.blocking_connection(PATIENCE).await?,
        };
        let mut command = redis::cmd("XREAD");
        command
            .arg("COUNT")
            .arg(PAGE)
            .arg("BLOCK")
            .arg(PATIENCE.as_millis() as u64)
            .arg("STREAMS")
            .arg(self.store.events_key())
            .arg(format!("{}-{}", self.at.seq, u64::MAX));
        type Entries = Vec<(String, Vec<Value>)>;
        let answer: Option<Vec<(String, Entries)>> =
            command.query_async(&mut connection).await.map_err(RedisError::from)?;
        self.connection = Some(connection);
        let entries = answer.into_iter().flatten().flat_map(|(_, entries)| entries);
        entries.map(|(id, fields)| entry(&id, &fields)).collect()
    }
}

fn entry(id: &str, fields: &[Value]) -> Result<StreamedEvent, RedisError> {
    const BAD: RedisError = RedisError::BadAnswer("event entry");
    let [_, epoch, _, at_ms, _, kind, _, data] = fields else { return Err(BAD) };
    let seq = id.split_once('-').and_then(|(seq, _)| seq.parse().ok()).ok_or(BAD)?;
    Ok(StreamedEvent {
        epoch: text(epoch)?.parse().map_err(|_| BAD)?,
        seq,
        at_ms: text(at_ms)?.parse().map_err(|_| BAD)?,
        kind: text(kind)?.to_owned(),
        data: RawValue::from_string(text(data)?.to_owned()).map_err(|_| BAD)?,
    })
}

fn text(value: &Value) -> Result<&str, RedisError> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
    .ok_or(RedisError::BadAnswer("event entry"))
}

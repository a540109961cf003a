//! Group commit: many small requests become one, bounded by time, size and queue.
//!
//! [`batcher`] makes a cloneable handle and the worker behind it. The worker takes the first
//! waiting item, collects more until the batch is full or `wait` is over, and flushes them
//! together; while all `flights` are busy, items wait in the queue, so load makes batches larger
//! by itself. A full queue refuses at once with [`BatchError::Busy`].

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// How long a caller waits for an answer: a store that is frozen, not gone, gives none.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bounds of one batcher.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Items waiting at most; more are refused.
    pub queue: usize,
    /// Items flushed together at most.
    pub size: usize,
    /// How long the first item waits for company; zero takes what is there.
    pub wait: Duration,
    /// Flushes under way at once.
    pub flights: usize,
}

/// Why an item has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The queue is full. Nothing was done with the item.
    #[error("too many requests are waiting")]
    Busy,
    /// The worker is stopping. Nothing was done with the item.
    #[error("shutting down")]
    Closed,
    /// The flush ended, or took too long, without an answer for the item; whether it took effect
    /// is unknown.
    #[error("no answer")]
    Lost,
}

impl BatchError {
    /// Whether asking again later can help.
    #[must_use]
    pub const fn retryable(self) -> bool {
        match self {
            Self::Busy | Self::Closed | Self::Lost => true,
        }
    }
}

type Waiting<T, R> = (T, oneshot::Sender<R>);

/// The handle: submits items. Cheap to clone.
#[derive(Debug)]
pub struct Batcher<T, R> {
    name: &'static str,
    queue: mpsc::Sender<Waiting<T, R>>,
    patience: Duration,
}

impl<T, R> Clone for Batcher<T, R> {
    fn clone(&self) -> Self {
        Self { name: self.name, queue: self.queue.clone(), patience: self.patience }
    }
}

impl<T, R> Batcher<T, R> {
    /// The same with another bound on the wait for an answer; it is ten seconds otherwise.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Submits one item and waits for its answer. Dropping the future does not take the item
    /// back.
    ///
    /// # Errors
    /// See [`BatchError`].
    pub async fn submit(&self, item: T) -> Result<R, BatchError> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send((item, reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                metrics::counter!("gavel_batch_refused_total", "batch" => self.name).increment(1);
                BatchError::Busy
            }
            mpsc::error::TrySendError::Closed(_) => BatchError::Closed,
        })?;
        match timeout(self.patience, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(BatchError::Lost),
        }
    }
}

/// The handle and its worker. The worker must be run (supervised) until it returns: after `stop`
/// it takes nothing new, flushes what is queued and waits for the flushes under way.
///
/// `flush` gets at least one item and returns one answer per item, in their order.
pub fn batcher<T, R, F, Fut>(
    name: &'static str,
    bounds: Bounds,
    stop: CancellationToken,
    flush: F,
) -> (Batcher<T, R>, impl Future<Output = ()> + Send + 'static)
where
    T: Send + 'static,
    R: Send + 'static,
    F: FnMut(Vec<T>) -> Fut + Send + 'static,
    Fut: Future<Output = Vec<R>> + Send + 'static,
{
    let (queue, waiting) = mpsc::channel(bounds.queue.max(1));
    (Batcher { name, queue, patience: PATIENCE }, work(name, bounds, stop, waiting, flush))
}

async fn work<T, R, F, Fut>(
    name: &'static str,
    bounds: Bounds,
    stop: CancellationToken,
    mut waiting: mpsc::Receiver<Waiting<T, R>>,
    mut flush: F,
) where
    T: Send + 'static,
    R: Send + 'static,
    F: FnMut(Vec<T>) -> Fut + Send + 'static,
    Fut: Future<Output = Vec<R>> + Send + 'static,
{
    let flights = Arc::new(Semaphore::new(bounds.flights.max(1)));
    let mut flying = JoinSet::new();
    loop {
        // the permit first: while every flight is busy, items stay in the bounded queue
        let Ok(permit) = Arc::clone(&flights).acquire_owned().await else { break };
        let first = tokio::select! {
            item = waiting.recv() => item,
            () = stop.cancelled(), if !waiting.is_closed() => {
                waiting.close();
                waiting.recv().await
            }
        };
        let Some(first) = first else { break };
        let batch = collect(first, &mut waiting, bounds).await;
        metrics::histogram!("gavel_batch_size", "batch" => name).record(count(batch.len()));
        metrics::gauge!("gavel_batch_waiting", "batch" => name).set(count(waiting.len()));
        let (items, replies): (Vec<T>, Vec<oneshot::Sender<R>>) = batch.into_iter().unzip();
        let flushed = flush(items);
        flying.spawn(async move {
            for (reply, answer) in replies.into_iter().zip(flushed.await) {
                // the caller may have gone away
                let _ = reply.send(answer);
            }
            drop(permit);
        });
        while let Some(done) = flying.try_join_next() {
            report(name, done);
        }
    }
    while let Some(done) = flying.join_next().await {
        report(name, done);
    }
}

async fn collect<W>(first: W, waiting: &mut mpsc::Receiver<W>, bounds: Bounds) -> Vec<W> {
    let mut batch = vec![first];
    let until = Instant::now() + bounds.wait;
    while batch.len() < bounds.size {
        match waiting.try_recv() {
            Ok(item) => batch.push(item),
            Err(mpsc::error::TryRecvError::Disconnected) => break,
            Err(mpsc::error::TryRecvError::Empty) if bounds.wait.is_zero() => break,
            Err(mpsc::error::TryRecvError::Empty) => {
                match timeout_at(until, waiting.recv()).await {
                    Ok(Some(item)) => batch.push(item),
                    Ok(None) | Err(_) => break,
                }
            }
        }
    }
    batch
}

fn report(name: &'static str, done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done {
        tracing::error!(batch = name, %error, "a flush ended without answers");
    }
}

fn count(items: usize) -> f64 {
    u32::try_from(items).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests;

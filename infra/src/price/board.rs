//! What every source said last, and the tasks that keep asking.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Instant};

use alloy::primitives::Address;
use domain::price::{Answer, Dated};
use tokio::{
    sync::watch::{self as cell, Receiver, Sender},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{Configured, PriceSource, Quote, SourceError, Worth};
use crate::{config::TokenConfig, run::sleep_or_cancelled};

/// What every source said last. Cheap to clone; reading never waits.
#[derive(Clone, Debug)]
pub struct Board {
    seats: Arc<BTreeMap<String, Seat>>,
}

#[derive(Debug)]
struct Seat {
    max_age_ms: u64,
    said: Receiver<Said>,
}

/// One read of one source.
#[derive(Debug)]
struct Said {
    read_at: Instant,
    quotes: BTreeMap<Address, Quote>,
}

impl Said {
    fn now(quotes: impl IntoIterator<Item = Quote>) -> Self {
        let quotes = quotes.into_iter().map(|quote| (quote.token, quote)).collect();
        Self { read_at: Instant::now(), quotes }
    }
}

/// What a source said about a token, and how old that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What the token is worth.
    pub worth: Worth,
    /// When that held.
    pub dated: Dated,
    /// How long ago it was read, milliseconds.
    pub read_ms_ago: u64,
    /// Older than this it is stale, milliseconds.
    pub max_age_ms: u64,
}

impl Heard {
    /// The answer, priced in the numéraire.
    #[must_use]
    pub const fn answer(&self, price: domain::Amount) -> Answer {
        let Self { dated, read_ms_ago, max_age_ms, .. } = *self;
        Answer { price, dated, read_ms_ago, max_age_ms }
    }
}

impl Board {
    /// A board with nothing on it but the prices in the settings.
    #[must_use]
    pub fn configured(tokens: &[TokenConfig]) -> Self {
        watch(&Configured::new(tokens), Vec::new()).0
    }

    /// What `source` said last about `token`.
    #[must_use]
    pub fn heard(&self, source: &str, token: Address) -> Option<Heard> {
        let seat = self.seats.get(source)?;
        let said = seat.said.borrow();
        let quote = said.quotes.get(&token)?;
        let ago = said.read_at.elapsed().as_millis();
        Some(Heard {
            worth: quote.worth,
            dated: quote.dated,
            read_ms_ago: u64::try_from(ago).unwrap_or(u64::MAX),
            max_age_ms: seat.max_age_ms,
        })
    }
}

/// The sources behind a board. Without [`Watch::run`] they say nothing.
pub struct Watch {
    sources: Vec<(Box<dyn PriceSource>, Sender<Said>)>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|(source, _)| source.name())).finish()
    }
}

/// A board with `standing` on it from the start, and what `sources` will say. Names are unique.
#[must_use]
pub fn watch(standing: &Configured, sources: Vec<Box<dyn PriceSource>>) -> (Board, Watch) {
    let mut seats = BTreeMap::new();
    let mut seat = |source: &dyn PriceSource, said| {
        let (write, said) = cell::channel(said);
        seats.insert(source.name().to_owned(), Seat { max_age_ms: source.max_age_ms(), said });
        write
    };
    // its sender goes: what is on the board stays
    drop(seat(standing, Said::now(standing.quotes().iter().copied())));
    let sources = sources.into_iter().map(|source| {
        let write = seat(source.as_ref(), Said::now([]));
        (source, write)
    });
    let watch = Watch { sources: sources.collect() };
    (Board { seats: Arc::new(seats) }, watch)
}

impl Watch {
    /// Asks every source, each at its own pace, until `stop`; returns when all have ended.
    pub async fn run(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        for (source, write) in self.sources {
            tasks.spawn(follow(source, write, stop.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            // its last words stay on the board and go stale
            if let Err(error) = ended {
                tracing::error!(%error, "a source of prices is gone");
            }
        }
    }
}

async fn follow(mut source: Box<dyn PriceSource>, write: Sender<Said>, stop: CancellationToken) {
    let mut failing: Option<SourceError> = None;
    loop {
        let read = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            read = source.read() => read,
        };
        let name = source.name();
        match read {
            Ok(quotes) => {
                if failing.take().is_some() {
                    tracing::info!(source = name, "prices are read again");
                }
                write.send_replace(Said::now(quotes));
            }
            Err(error) => {
                if error.withdraws() {
                    write.send_replace(Said::now([]));
                }
                let source = name.to_owned();
                metrics::counter!("gavel_price_reads_failed_total", "source" => source)
                    .increment(1);
                // once per cause, and not at every poll
                if failing.as_ref() != Some(&error) {
                    let retryable = error.retryable();
                    tracing::warn!(source = name, %error, retryable, "prices not read");
                    failing = Some(error);
                }
            }
        }
        if sleep_or_cancelled(&stop, source.poll()).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests;

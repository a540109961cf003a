//! Reading bids while their window is open, and asking about whoever sent them: what is known before
//! the close need not be found out after it.

use std::time::Duration;

use infra::pg;
use tokio::time::Instant;

use crate::{
    AuctionError, Market,
    cut::Opened,
    standing::{Bidders, Known, Questions},
    stream::{Stream, VoidReason},
};

/// How often the queue is looked into.
const BEAT: Duration = Duration::from_millis(50);
/// How long before the close it is looked into for the last time.
const LAST_LOOK: Duration = Duration::from_millis(15);

impl Market {
    /// Reads what came since the last look, on a thread of its own: bids are parsed and their
    /// signers recovered before the close, not after it.
    pub(crate) async fn read_on(
        &self,
        opened: &Opened,
        stream: Stream,
    ) -> Result<Result<Stream, VoidReason>, AuctionError> {
        let closes_at_ms = opened.cut.opening().closes_at_ms;
        let entries = self.queue.read(opened.id(), stream.end(), closes_at_ms).await?;
        if entries.is_empty() {
            return Ok(Ok(stream));
        }
        let (domain, auction) = (opened.cut.domain(), opened.id());
        aside(move || {
            let mut stream = stream;
            stream.extend(&domain, auction, &entries).map(|()| stream)
        })
        .await
    }

    /// Follows the queue until `until`. What fails here is done again at the close.
    pub(crate) async fn follow(&self, opened: &Opened, stream: Stream, until: Instant) -> Stream {
        let mut stream = stream;
        loop {
            stream = match self.read_on(opened, stream).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(_)) | Err(_) => Stream::default(),
            };
            let now = Instant::now();
            if now + BEAT >= until {
                tokio::time::sleep_until(until).await;
                return stream;
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Follows the queue until shortly before `closes`, and asks at one block about whoever bids.
    pub(crate) async fn prepare(
        &self,
        opened: &Opened,
        stream: Stream,
        closes: Instant,
    ) -> (Stream, Option<Known>) {
        let mut stream = stream;
        let mut known = None;
        let last = closes.checked_sub(LAST_LOOK).unwrap_or(closes);
        let mut next = Instant::now();
        while next < last {
            next = (next + BEAT).min(last);
            stream = self.follow(opened, stream, next).await;
            let mut questions = Questions::about(&stream);
            questions.extend(&self.regulars);
            let asked = tokio::time::timeout_at(closes, self.ask(&mut known, &questions)).await;
            if let Ok(Err(error)) = asked {
                tracing::debug!(auction = opened.id().get(), %error, "bidders not asked about yet");
            }
        }
        (stream, known)
    }

    /// Asks what is not known yet; the first question pins the block.
    async fn ask(
        &self,
        known: &mut Option<Known>,
        questions: &Questions,
    ) -> Result<(), AuctionError> {
        let known = match known {
            Some(known) => known,
            None => known.insert(self.pin().await?),
        };
        Ok(known.learn(&self.chain, questions).await?)
    }

    /// Pins the newest block; what bids in flight tie down is read before it, so that one whose result is
    /// just being recorded counts twice rather than never.
    async fn pin(&self) -> Result<Known, AuctionError> {
        let mut conn = self.connection().await?;
        let staked = pg::auction::staked(&mut conn, self.chain_id()).await?;
        drop(conn);
        let block = self.chain.block_latest().await?;
        let gas_price = self.chain.gas_price(&block).await?;
        Ok(Known::at(&block, gas_price, staked))
    }

    /// The bidders of `stream` at one block: the one that is known, or if the node no longer has
    /// that, the newest.
    pub(crate) async fn bidders(
        &self,
        stream: &Stream,
        mut known: Option<Known>,
    ) -> Result<Bidders, AuctionError> {
        if stream.bids.is_empty() {
            return Ok(Default::default());
        }
        let questions = Questions::about(stream);
        if self.ask(&mut known, &questions).await.is_err() {
            known = None;
            self.ask(&mut known, &questions).await?;
        }
        Ok(known.map(|known| known.of(stream)).unwrap_or_default())
    }
}

/// Computes on a thread that may be kept busy.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AuctionError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| AuctionError::Lost)
}

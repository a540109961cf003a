//! From an open window to what is to be written about it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{IntentId, batch::SignedIntent};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    AuctionError, Market, Step,
    collect::Collected,
    conclude::{Concluded, Ruled},
    cut::Opened,
    judge::Case,
    measure::{self, Pace},
    pack::signed_intent,
    standing::{Known, Questions},
    stream::Stream,
    survey::Survey,
    trial::judge,
};

/// How long before the close the book is looked at for the next cut, and the block is pinned on
/// which bidders are judged and winners are run.
const SURVEY_LEAD: Duration = Duration::from_millis(300);
/// How long after the close the look at the book may take: past that the step after opens the next
/// window. The outcome does not wait for it.
const SURVEY_PATIENCE: Duration = Duration::from_millis(100);

impl Market {
    /// Waits for the close, decides, writes. The look at the book for the next cut runs beside it.
    pub(crate) async fn finish(
        &mut self,
        opened: Opened,
        token: &CancellationToken,
    ) -> Result<Step, AuctionError> {
        let closes = Instant::now() + self.until_close(&opened).await?;
        let lead = closes.checked_sub(SURVEY_LEAD).unwrap_or(closes);
        let stream = tokio::select! {
            biased;
            () = token.cancelled() => {
                self.opened = Some(opened);
                return Ok(Step::Stopped);
            }
            stream = self.follow(&opened, Stream::default(), lead) => stream,
        };
        // from here to the outcome it usually takes less than a second: not worth stopping for
        let closes = Instant::now() + self.until_close(&opened).await?;
        let mut pace = Pace::default();
        let (written, survey) = tokio::join!(
            self.rule_and_write(&opened, stream, closes, &mut pace),
            tokio::time::timeout_at(
                closes.max(Instant::now()) + SURVEY_PATIENCE,
                self.survey_next(&opened)
            ),
        );
        let (mut ruled, stream, concluded) = written?;
        match concluded {
            Concluded::Written => {}
            Concluded::Gone(gone) => {
                self.gone.extend(gone);
                return Err(self.again(opened, &ruled));
            }
            Concluded::Uncovered => return Err(self.again(opened, &ruled)),
        }
        measure::concluded(&opened, &ruled, &pace);
        self.regulars = Questions::about(&stream).regulars();
        let survey = survey.ok().flatten();
        self.scan_from = survey.as_ref().map_or(0, |survey| survey.resume);
        let next = self.next(&opened, &ruled, survey.as_ref()).await?;
        if let Some(rest) = ruled.rest.take() {
            self.count(opened.id(), rest);
        }
        self.window_over();
        measure::followed(next.as_ref(), closes.elapsed());
        Ok(Step::Concluded { auction: opened.id(), next: self.take_up(next) })
    }

    /// Keeps an auction whose outcome was not written: the next step decides it anew, over what was
    /// announced and on what its bidders have by then.
    fn again(&mut self, mut opened: Opened, ruled: &Ruled) -> AuctionError {
        opened.closing = Some(ruled.closing);
        self.opened = Some(opened);
        AuctionError::Moved
    }

    async fn rule_and_write(
        &self,
        opened: &Opened,
        stream: Stream,
        closes: Instant,
        pace: &mut Pace,
    ) -> Result<(Ruled, Arc<Stream>, Concluded), AuctionError> {
        let (ruled, stream) = self.rule(opened, stream, closes, pace).await?;
        pace.judged = closes.elapsed();
        pace.drafted = ruled.drafted.map(|at| at.duration_since(closes)).unwrap_or_default();
        let concluded = self.conclude(opened, &ruled).await?;
        pace.written = closes.elapsed();
        Ok((ruled, stream, concluded))
    }

    /// What is to be written; and what was bid, for whoever bid to be asked about early next time.
    async fn rule(
        &self,
        opened: &Opened,
        stream: Stream,
        closes: Instant,
        pace: &mut Pace,
    ) -> Result<(Ruled, Arc<Stream>), AuctionError> {
        let intents = signed_intents(opened);
        if let Some(closing) = opened.closing {
            let collected = self.collected_before(opened, closing).await?;
            let ruled = match collected.void {
                Some(reason) => Ruled::void(closing, reason.code()),
                None => self.decide(opened, &collected, intents, None).await?,
            };
            return Ok((ruled, collected.stream));
        }
        let (stream, known) = self.prepare(opened, stream, closes).await;
        tokio::time::sleep_until(closes).await;
        // not before Redis says so: a bid that comes in time must find the queue open
        loop {
            let left = self.until_close(opened).await?;
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(left).await;
        }
        let collected = self.collect(opened, stream).await?;
        pace.collected = closes.elapsed();
        let (closed, decided) = tokio::join!(
            async { (self.close(opened, &collected).await, closes.elapsed()) },
            async {
                match collected.void {
                    Some(_) => Ok(None),
                    None => self.decide(opened, &collected, intents, known).await.map(Some),
                }
            },
        );
        pace.closed = closed.1;
        let ruled = match (closed.0?, decided?) {
            (None, Some(ruled)) => ruled,
            (reason, _) => Ruled::void(collected.closing, reason.map_or("", |found| found.code())),
        };
        Ok((ruled, collected.stream))
    }

    async fn decide(
        &self,
        opened: &Opened,
        collected: &Collected,
        intents: BTreeMap<IntentId, SignedIntent>,
        known: Option<Known>,
    ) -> Result<Ruled, AuctionError> {
        let bidders = self.bidders(&collected.stream, known).await?;
        let case = Case {
            attempt: 1,
            cut: opened.cut.clone(),
            stream: collected.stream.clone(),
            closing: collected.closing,
            bidders,
            intents,
            gone: self.gone.clone(),
        };
        let judged = judge(&self.chain, &self.config.auction, case).await?;
        Ok(Ruled::decided(collected.closing, judged))
    }

    async fn survey_next(&self, opened: &Opened) -> Option<Survey> {
        let (auction, begun) = (opened.id().get(), Instant::now());
        let surveyed = async {
            self.sweep().await?;
            self.survey(opened.intents.values().cloned()).await
        };
        let survey = surveyed.await.unwrap_or_else(|error| {
            tracing::warn!(auction, %error, "no look at the book");
            None
        });
        tracing::debug!(auction, took_ms = begun.elapsed().as_millis(), "looked at the book");
        survey
    }
}

/// The cut's intents as they travel in a batch: made before the close, not after it.
fn signed_intents(opened: &Opened) -> BTreeMap<IntentId, SignedIntent> {
    let signed = |(id, stored): (&IntentId, _)| Some((*id, signed_intent(stored)?));
    opened.intents.iter().filter_map(signed).collect()
}

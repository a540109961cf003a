//! One market's loop, a step at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use domain::{
    AuctionId, IntentId,
    auction::{Cut, Params},
};
use infra::{
    chain::Chain,
    config::Config,
    pg::{self, Hold, Pool, StoreError, lease::Lease},
    redis::Store,
    run::sleep_or_cancelled,
};
use sqlx::{Postgres, pool::PoolConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    AuctionError,
    conclude::{Concluded, Ruled},
    cut::Opened,
    measure::{self, Pace},
    params::params,
    select::LeftOut,
    standing::Known,
    survey::Survey,
};

/// How long before the close the book is looked at for the next cut.
const SURVEY_LEAD: Duration = Duration::from_millis(300);
/// How long after the close a late answer of the chain is waited for: past that the outcome is
/// published without a next cut, and the step after opens the window.
const SURVEY_PATIENCE: Duration = Duration::from_millis(100);
/// Intents ended by one sweep.
const SWEEP: u32 = 1_000;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There was nothing to cut.
    Idle,
    /// A window was opened.
    Opened(AuctionId),
    /// An auction's outcome is written.
    Concluded {
        /// The auction.
        auction: AuctionId,
        /// The auction cut in the same transaction, whose window is open now.
        next: Option<AuctionId>,
    },
    /// It was cancelled while it waited; nothing was written.
    Stopped,
}

/// The market of one chain, in the hands of the holder of its lease.
#[derive(Debug)]
pub struct Market {
    pub(crate) config: Arc<Config>,
    pub(crate) pool: Pool,
    pub(crate) queue: Store,
    pub(crate) chain: Chain,
    pub(crate) lease: Lease,
    pub(crate) params: Params,
    /// What intents were told last, so that an unchanged reason costs no statement.
    pub(crate) noted: BTreeMap<IntentId, &'static str>,
    /// Where in the book, by arrival, the next look begins.
    pub(crate) scan_from: i64,
    /// The auction under way, if it is known: the rows are what counts.
    opened: Option<Opened>,
    /// Intents of the auction under way that left the book on chain.
    pub(crate) gone: BTreeSet<IntentId>,
}

impl Market {
    /// Takes the market into hand. Asks the contract how long a commitment stays live.
    ///
    /// # Errors
    /// Those of the chain.
    pub async fn new(
        config: Arc<Config>,
        pool: Pool,
        queue: Store,
        chain: Chain,
        lease: Lease,
    ) -> Result<Self, AuctionError> {
        let params = params(&config, chain.max_delay().await?);
        let (noted, opened, gone) = (BTreeMap::new(), None, BTreeSet::new());
        Ok(Self { config, pool, queue, chain, lease, params, noted, scan_from: 0, opened, gone })
    }

    /// Does the next thing: opens a window, or waits for the open one to close and writes its
    /// outcome. Can be repeated after any error.
    ///
    /// # Errors
    /// An [`AuctionError`]; what the step would have written is not written, except that after
    /// an outage during a commit only the next step will know.
    pub async fn step(&mut self, token: &CancellationToken) -> Result<Step, AuctionError> {
        // taken, so that after an error the rows are read again
        let opened = match self.opened.take() {
            Some(opened) => Some(opened),
            None => self.recover().await?,
        };
        match opened {
            Some(opened) => self.finish(opened, token).await,
            None => self.begin().await,
        }
    }

    /// The auction under way, from the rows.
    async fn recover(&mut self) -> Result<Option<Opened>, AuctionError> {
        let mut conn = self.connection().await?;
        let Some(auction) = pg::auction::open(&mut conn, self.chain_id()).await? else {
            return Ok(None);
        };
        let ids: Vec<IntentId> = auction.opening.intents.iter().map(|entry| entry.id).collect();
        let stored = pg::intent::get_many(&mut conn, self.chain_id(), &ids).await?;
        let intents: BTreeMap<_, _> = stored.into_iter().map(|row| (row.id, row)).collect();
        let messages = intents.iter().map(|(id, row)| (*id, row.intent.clone())).collect();
        let cut = Cut::new(auction.opening, messages)?;
        tracing::info!(auction = cut.opening().auction_id.get(), "auction taken up again");
        Ok(Some(Opened { cut: cut.into(), intents }))
    }

    /// With no auction under way: ends what is due, and opens a window if there is anything to
    /// cut, so that no empty auction is ever written.
    async fn begin(&mut self) -> Result<Step, AuctionError> {
        self.sweep().await?;
        let Some(survey) = self.survey(std::iter::empty()).await? else {
            self.noted.clear();
            return Ok(Step::Idle);
        };
        self.scan_from = survey.resume;
        let last = pg::auction::last(&mut *self.connection().await?, self.chain_id()).await?;
        let planned = self.plan(last, &survey, &BTreeSet::new(), &BTreeMap::new()).await?;
        let planned = match planned {
            Ok(planned) => planned,
            Err(selection) => return self.idle(&selection.left_out).await,
        };
        let mut tx = self.pool.begin().await.map_err(StoreError::from)?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        pg::market_lock(&mut tx, self.chain_id(), Hold::Exclusive).await?;
        let opened = self.cut(&mut tx, &planned).await?;
        self.note_left_out(&mut tx, &planned.selection.left_out).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.remember_left_out(&planned.selection.left_out);
        Ok(self.take_up(opened).map_or(Step::Idle, Step::Opened))
    }

    /// Waits for the close, decides, writes. The look at the book for the next cut runs beside it.
    async fn finish(
        &mut self,
        opened: Opened,
        token: &CancellationToken,
    ) -> Result<Step, AuctionError> {
        let left = self.until_close(&opened).await?;
        if sleep_or_cancelled(token, left.saturating_sub(SURVEY_LEAD)).await {
            self.opened = Some(opened);
            return Ok(Step::Stopped);
        }
        // from here to the outcome it usually takes less than a second: not worth stopping for
        let left = self.until_close(&opened).await?;
        let closes = Instant::now() + left;
        let mut pace = Pace::new(closes);
        let (ruled, survey) = tokio::join!(
            async {
                let ruled = self.rule(&opened, closes).await;
                pace.judged = closes.elapsed();
                ruled
            },
            tokio::time::timeout_at(closes + SURVEY_PATIENCE, self.survey_next(&opened)),
        );
        pace.surveyed = closes.elapsed();
        let ruled = ruled?;
        let survey = survey.ok().flatten();
        self.scan_from = survey.as_ref().map_or(0, |survey| survey.resume);
        let planned = match &survey {
            Some(survey) => self.plan_next(&opened, &ruled, survey).await?,
            None => None,
        };
        pace.planned = closes.elapsed();
        match self.conclude(&opened, &ruled, planned.as_ref()).await? {
            Concluded::Gone(gone) => {
                self.gone.extend(gone);
                self.opened = Some(opened);
                Err(AuctionError::Moved)
            }
            Concluded::Written(next) => {
                measure::concluded(&opened, &ruled, pace.written());
                Ok(Step::Concluded { auction: opened.id(), next: self.take_up(next) })
            }
        }
    }

    async fn rule(&self, opened: &Opened, closes: Instant) -> Result<Ruled, AuctionError> {
        let mut known = Known::default();
        // whoever is asked about now need not be waited for after the close
        if let Ok(early) = self.peek(opened).await
            && let Err(error) = known.learn(&self.chain, &early).await
        {
            tracing::debug!(auction = opened.id().get(), %error, "bidders not looked up early");
        }
        tokio::time::sleep_until(closes).await;
        // not before Redis says so: a bid that comes in time must find the queue open
        loop {
            let left = self.until_close(opened).await?;
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(left).await;
        }
        let collected = self.collect(opened).await?;
        if let Some(reason) = collected.void {
            return Ok(Ruled::void(&collected, reason.code()));
        }
        known.learn(&self.chain, &collected.bids).await?;
        let judgement = self.judge(opened, &collected.bids, known.of(&collected.bids)).await?;
        Ok(Ruled::decided(judgement, collected.rowless))
    }

    async fn survey_next(&self, opened: &Opened) -> Option<Survey> {
        let surveyed = async {
            self.sweep().await?;
            self.survey(opened.intents.values().cloned()).await
        };
        surveyed.await.unwrap_or_else(|error| {
            tracing::warn!(auction = opened.id().get(), %error, "no look at the book");
            None
        })
    }

    /// Ends the open intents whose `validTo` has passed.
    async fn sweep(&self) -> Result<(), AuctionError> {
        let now_s = self.queue.time_ms().await? / 1_000;
        let mut tx = self.pool.begin().await.map_err(StoreError::from)?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        let ended = pg::intent::expire_due(&mut tx, self.chain_id(), now_s, SWEEP).await?;
        tx.commit().await.map_err(StoreError::from)?;
        if !ended.is_empty() {
            tracing::info!(intents = ended.len(), "intents expired");
        }
        Ok(())
    }

    /// Nothing can be cut: the intents that are there learn why, once.
    async fn idle(&mut self, left_out: &[(IntentId, LeftOut)]) -> Result<Step, AuctionError> {
        if left_out.iter().all(|(id, why)| self.noted.get(id) == Some(&why.code())) {
            return Ok(Step::Idle);
        }
        let mut tx = self.pool.begin().await.map_err(StoreError::from)?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        self.note_left_out(&mut tx, left_out).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.remember_left_out(left_out);
        Ok(Step::Idle)
    }

    pub(crate) fn remember_left_out(&mut self, left_out: &[(IntentId, LeftOut)]) {
        self.noted = left_out.iter().map(|(id, why)| (*id, why.code())).collect();
    }

    fn take_up(&mut self, opened: Option<Opened>) -> Option<AuctionId> {
        self.gone.clear();
        self.opened = opened;
        let opened = self.opened.as_ref()?;
        measure::opened(opened);
        Some(opened.id())
    }

    pub(crate) fn chain_id(&self) -> u64 {
        self.config.chain.chain_id
    }

    pub(crate) async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        Ok(self.pool.acquire().await?)
    }
}

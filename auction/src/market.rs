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
    pg::{self, Pool, StoreError, lease::Lease},
    price::Board,
    redis::Store,
};
use sqlx::{Postgres, pool::PoolConnection};
use tokio_util::sync::CancellationToken;

use crate::{
    AuctionError,
    count::Counting,
    cut::Opened,
    measure,
    params::params,
    price::{self, Desk},
    select::LeftOut,
    standing::Questions,
};

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
    pub(crate) desk: Desk,
    /// What intents were told last, so that an unchanged reason costs no statement.
    pub(crate) noted: BTreeMap<IntentId, &'static str>,
    /// Where in the book, by arrival, the next look begins.
    pub(crate) scan_from: i64,
    /// How long the last window was; `None` before the first of this life as leader.
    pub(crate) window: Option<Duration>,
    /// The auction under way, if it is known: the rows are what counts.
    pub(crate) opened: Option<Opened>,
    /// Auctions before, as far as they are still being counted.
    pub(crate) counting: Counting,
    /// Whoever bid in the auction before.
    pub(crate) regulars: Questions,
    /// Intents of the auction under way that left the book on chain.
    pub(crate) gone: BTreeSet<IntentId>,
    /// Auctions before whose rows do not let them be wound up, as far as that was told.
    pub(crate) not_wound_up: BTreeSet<AuctionId>,
}

impl Market {
    /// Takes the market into hand, with the prices of the settings alone. Asks the contract how
    /// long a commitment stays live, and the records what prices there were.
    ///
    /// # Errors
    /// Those of the chain and of the database.
    pub async fn new(
        config: Arc<Config>,
        pool: Pool,
        queue: Store,
        chain: Chain,
        lease: Lease,
    ) -> Result<Self, AuctionError> {
        let params = params(&config, chain.max_delay().await?);
        let board = Board::configured(&config.tokens);
        let mut conn = pool.acquire().await.map_err(StoreError::from)?;
        let chain_id = config.chain.chain_id;
        let records = pg::auction::recent_prices(&mut conn, chain_id, price::MEMORY).await?;
        drop(conn);
        let desk = Desk::new(Arc::clone(&config), board, &records);
        Ok(Self {
            config,
            pool,
            queue,
            chain,
            lease,
            params,
            desk,
            noted: BTreeMap::new(),
            scan_from: 0,
            window: None,
            opened: None,
            counting: Counting::default(),
            regulars: Questions::default(),
            gone: BTreeSet::new(),
            not_wound_up: BTreeSet::new(),
        })
    }

    /// From now on takes reference prices from what lies on `board`.
    #[must_use]
    pub fn priced_by(mut self, board: Board) -> Self {
        self.desk.read_from(board);
        self
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
            None => {
                // an auction that waits for its outcome comes before all that others left
                let opened = self.recover().await?;
                if opened.is_none() {
                    self.wind_up_left_behind().await?;
                }
                self.count_left_behind();
                opened
            }
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
        drop(conn);
        self.desk.note(cut.opening());
        Ok(Some(Opened { cut: cut.into(), intents, closing: auction.closing }))
    }

    pub(crate) fn remember_left_out(&mut self, left_out: &[(IntentId, LeftOut)]) {
        self.noted = left_out.iter().map(|(id, why)| (*id, why.code())).collect();
    }

    pub(crate) fn take_up(&mut self, opened: Option<Opened>) -> Option<AuctionId> {
        self.gone.clear();
        self.opened = opened;
        let opened = self.opened.as_ref()?;
        self.desk.note(opened.cut.opening());
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

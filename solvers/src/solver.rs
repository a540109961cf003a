//! A standing solver: follows the stream, and bids in every auction it sees open.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alloy_primitives::Address;
use domain::{Amount, AuctionId, signature::SigningKey};
use infra::{config::Secret, run::sleep_or_cancelled};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    book::Book,
    client::{Client, ClientError, EventSource, StreamItem},
    strategy::Market,
    wire::SubscribeFrom,
};

mod clock;
mod desk;
mod error;
mod ledger;
mod round;

pub use error::SolverError;

use clock::Clock;
use desk::Desk;
use round::Round;

/// Auctions bid in at once; a window outlives its round unless everything is slow.
const ROUNDS: usize = 4;
/// The pause before a start that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a solver is told.
#[derive(Clone, Debug)]
pub struct SolverConfig {
    /// The API's base URL.
    pub api: String,
    /// The node's JSON-RPC; providers put keys in it.
    pub rpc: Secret,
    /// Signs the bids: the solver's account, or a key it has named in the registry.
    pub key: SigningKey,
    /// The solver's filler contract. A ring moves nothing through it, but every bid names one.
    pub filler: Address,
    /// How to find bids.
    pub strategy: Strategy,
    /// Prices that replace the auction's reference prices, numéraire atoms per 10^18 atoms.
    pub prices: BTreeMap<Address, Amount>,
    /// How long after the close a bid may still settle, seconds.
    pub valid_for_s: u32,
    /// The most bids in one auction.
    pub max_bids: usize,
}

/// How to find bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Intents with each other: [`crate::strategy::ring`].
    Ring,
    /// From the filler's balance: [`crate::strategy::inventory`].
    Inventory {
        /// What the filler keeps of the reference price, in basis points.
        spread_bps: u32,
    },
}

/// Solves until `token` is cancelled. An API or a node that is away is waited for.
///
/// # Errors
/// A [`SolverError`] that waiting cannot mend: a wrong URL, a key that signs for nobody, a filler
/// that is not bound to the solver, a server of another protocol.
pub async fn run(config: SolverConfig, token: CancellationToken) -> Result<(), SolverError> {
    let client = Client::new(&config.api)?;
    let Some(desk) = open_desk(&config, &client, &token).await? else { return Ok(()) };
    let mut floor = Floor::new(Arc::new(desk));
    let mut source = client.events(SubscribeFrom::Snapshot);
    let ended = floor.follow(&mut source, &token).await;
    floor.rounds.shutdown().await;
    Ok(ended?)
}

async fn open_desk(
    config: &SolverConfig,
    client: &Client,
    token: &CancellationToken,
) -> Result<Option<Desk>, SolverError> {
    loop {
        match Desk::open(config.clone(), client.clone()).await {
            Ok(desk) => return Ok(Some(desk)),
            Err(error) if error.retryable() => {
                tracing::warn!(%error, "cannot start yet");
                if sleep_or_cancelled(token, PAUSE).await {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// What is going on.
struct Floor {
    desk: Arc<Desk>,
    book: Book,
    clock: Clock,
    rounds: JoinSet<()>,
    last: Option<AuctionId>,
}

impl Floor {
    fn new(desk: Arc<Desk>) -> Self {
        let (book, clock) = (Book::default(), Clock::default());
        Self { desk, book, clock, rounds: JoinSet::new(), last: None }
    }

    async fn follow(
        &mut self,
        source: &mut EventSource,
        token: &CancellationToken,
    ) -> Result<(), ClientError> {
        loop {
            tokio::select! {
                biased;
                () = token.cancelled() => return Ok(()),
                Some(round) = self.rounds.join_next(), if !self.rounds.is_empty() => {
                    if let Err(error) = round {
                        tracing::error!(%error, "a round broke down");
                    }
                }
                item = source.next() => self.take_in(&item?),
            }
        }
    }

    fn take_in(&mut self, item: &StreamItem) {
        if let StreamItem::Hello(hello) = item {
            self.clock = Clock::set(hello.server_time_ms);
            tracing::info!(epoch = hello.epoch, head = hello.head_seq, "following the stream");
        }
        self.book.apply(item);
        self.desk.ledger().apply(item);
        if self.book.is_complete() {
            self.bid_once();
        }
    }

    /// Bids in the open auction, unless that was done.
    fn bid_once(&mut self) {
        let Some(auction) = self.book.auction() else { return };
        let id = auction.auction_id;
        if self.last.is_some_and(|last| last >= id) {
            return;
        }
        self.last = Some(id);
        let Some(time) = self.clock.until(auction.closes_at_ms) else {
            tracing::debug!(auction = %id, "seen too late");
            return;
        };
        let market = Market::of(&self.book, auction);
        let unknown = auction.intents.len() - market.candidates.len();
        if self.rounds.len() >= ROUNDS {
            tracing::warn!(auction = %id, "earlier rounds are still under way, left out");
            return;
        }
        tracing::debug!(auction = %id, intents = market.candidates.len(), unknown, "opened");
        let closes_at_ms = auction.closes_at_ms;
        let round = Round { desk: Arc::clone(&self.desk), market, closes_at_ms };
        self.rounds.spawn(round.hold(time));
    }
}

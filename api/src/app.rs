//! What every request runs on.

use std::{sync::Arc, time::Duration};

use domain::{eip712::SigningDomain, signature::SigningKey};
use infra::{
    batch::{Batcher, Bounds, batcher},
    chain::{Chain, FUNDS_BOUNDS, FundsLookup, funds_lookup},
    config::Config,
    pg::{
        Pool,
        bid::PlacedBid,
        intent::{Inserted, NewIntent},
    },
    redis,
    telemetry::Metrics,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::Gate,
    bids::{self, Auctions, InFlight},
    intake,
    problem::Failure,
    routes::Trees,
    stream::{Hub, follow},
};

/// What the role needs of the process it runs in.
#[derive(Clone)]
pub struct Deps {
    /// The whole configuration.
    pub config: Arc<Config>,
    /// Postgres.
    pub pool: Pool,
    /// Redis.
    pub redis: redis::Store,
    /// The chain.
    pub chain: Chain,
    /// Signs receipts of bids.
    pub receipt_key: SigningKey,
    /// What `/metrics` shows.
    pub metrics: Metrics,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").finish_non_exhaustive()
    }
}

/// The state shared by all worker threads.
pub(crate) struct App {
    pub(crate) config: Arc<Config>,
    pub(crate) domain: SigningDomain,
    pub(crate) pool: Pool,
    pub(crate) redis: redis::Store,
    pub(crate) chain: Chain,
    pub(crate) receipt_key: SigningKey,
    pub(crate) gate: Gate,
    pub(crate) hub: Arc<Hub>,
    pub(crate) funds: FundsLookup,
    pub(crate) intents: Batcher<NewIntent, Result<Inserted, Failure>>,
    pub(crate) bids: Batcher<PlacedBid, Result<(), Failure>>,
    pub(crate) auctions: Auctions,
    pub(crate) staked: InFlight,
    pub(crate) trees: Trees,
    /// Streams close, nothing new is admitted.
    pub(crate) stop: CancellationToken,
}

impl App {
    /// Starts the background tasks on the current runtime, each on `tasks`. `drain` ends the
    /// groups, once no request can need them any more.
    pub(crate) fn start(
        deps: Deps,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        drain: &CancellationToken,
    ) -> Self {
        let Deps { config, pool, redis, chain, receipt_key, metrics: _ } = deps;
        let chain_id = config.chain.chain_id;
        let hub = Arc::new(Hub::new(config.api.stream_buffer));
        tasks.spawn(follow(hub.clone(), pool.clone(), redis.clone(), stop.clone()));

        // no waiting for company: under load groups form by themselves
        let bounds = Bounds { wait: Duration::ZERO, ..FUNDS_BOUNDS };
        let (funds, work) = funds_lookup(chain.clone(), bounds, drain.clone());
        tasks.spawn(work);
        let kept = pool.clone();
        let (intents, work) =
            batcher("intents", intake::keep_bounds(&config), drain.clone(), move |group| {
                intake::keep(kept.clone(), chain_id, group)
            });
        tasks.spawn(work);
        let kept = pool.clone();
        let (bids, work) =
            batcher("bids", intake::keep_bounds(&config), drain.clone(), move |group| {
                bids::keep(kept.clone(), chain_id, group)
            });
        tasks.spawn(work);

        Self {
            domain: config.chain.signing_domain(),
            gate: Gate::new(&config.api),
            config,
            pool,
            redis,
            chain,
            receipt_key,
            hub,
            funds,
            intents,
            bids,
            auctions: Auctions::default(),
            staked: InFlight::default(),
            trees: Trees::default(),
            stop: stop.clone(),
        }
    }
}

//! The loop: woken by new rows and by new blocks, it leases rows and drives each in a task of
//! its own, as many at once as there are lanes.

use std::{sync::Arc, time::Duration};

use infra::{
    chain::{Chain, ChainError},
    config::Config,
    pg::{
        Pool, StoreError,
        settlement::{self as store, Phase, RowLease},
    },
    run::sleep_or_cancelled,
};
use sqlx::postgres::PgListener;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{SettlementError, StartError},
    key::{LocalKey, SettlerKey},
    node::{Head, Node},
    worker::{Progress, Settings, Worker},
};

/// Revealed rows looked at in one sweep.
const SWEEP: u32 = 64;
/// The pause after a failure that may pass.
const PAUSE: Duration = Duration::from_millis(500);

/// The role `settlement`: runs until the token is cancelled, then finishes the steps under way
/// and gives its rows back.
///
/// # Errors
/// A [`StartError`] if this settler cannot work: no key, not allowed on chain, no funds. What may
/// pass (node or database down) is waited for instead.
pub async fn run(
    config: Config,
    pool: Pool,
    chain: Chain,
    token: CancellationToken,
) -> Result<(), StartError> {
    let key: Arc<dyn SettlerKey> = Arc::new(LocalKey::load(&config.settlement)?);
    let settings = settings(&config);
    let worker = loop {
        match start(&pool, &chain, &key, settings).await {
            Ok(worker) => break Arc::new(worker),
            Err(StartError::Failed(error)) if error.retryable() => {
                tracing::warn!(%error, "the settlement worker cannot start yet");
                if sleep_or_cancelled(&token, PAUSE).await {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
    };
    let poll = Duration::from_millis(config.settlement.poll_ms.max(10));
    drive(worker, poll, token).await;
    Ok(())
}

/// The numbers the worker goes by, out of the configuration.
#[must_use]
pub fn settings(config: &Config) -> Settings {
    const GWEI: u128 = 1_000_000_000;
    let chain = &config.chain;
    let settlement = &config.settlement;
    let resend = settlement.resend_after_ms / chain.block_time_ms.max(1);
    Settings {
        lanes: settlement.lanes.max(1),
        confirmations: chain.confirmations.max(1),
        finality_blocks: chain.finality_blocks,
        resend_after_blocks: resend.max(1),
        max_fee: u128::from(settlement.max_fee_per_gas_gwei) * GWEI,
        max_tip: u128::from(settlement.max_priority_fee_gwei) * GWEI,
        lease: Duration::from_millis(settlement.lease_ms.max(1_000)),
    }
}

/// A worker whose settler may settle: the chain is the right one, a lane is open, there is money.
///
/// # Errors
/// A [`StartError`] otherwise.
pub async fn start(
    pool: &Pool,
    chain: &Chain,
    key: &Arc<dyn SettlerKey>,
    settings: Settings,
) -> Result<Worker, StartError> {
    let failed = |error: ChainError| StartError::Failed(error.into());
    chain.check_id().await.map_err(failed)?;
    let node = Node::new(chain.clone());
    let settler = key.address();
    let max_delay = node.max_delay().await.map_err(failed)?;
    let mut open = 0u32;
    for lane in 0..u64::from(settings.lanes) {
        open += u32::from(node.lane(settler, lane).await.map_err(failed)?.open);
    }
    let (lanes, settlement) = (settings.lanes, node.settlement());
    if open == 0 {
        return Err(StartError::NotAllowed { settler, lanes, settlement });
    }
    if node.balance(settler).await.map_err(failed)?.is_zero() {
        return Err(StartError::NoFunds(settler));
    }
    if open < lanes {
        tracing::warn!(%settler, open, lanes, "not every configured lane is open");
    }
    tracing::info!(%settler, %settlement, lanes = open, max_delay, "settlement worker ready");
    Ok(Worker::new(pool.clone(), node, Arc::clone(key), settings, max_delay))
}

/// Runs a worker until the token is cancelled and every task has given its row back.
pub async fn drive(worker: Arc<Worker>, poll: Duration, token: CancellationToken) {
    let (heads, head) = watch::channel(None);
    let mut life = JoinSet::new();
    life.spawn(watch_heads(Arc::clone(&worker), heads, poll, token.clone()));
    let (rows, mut queued) = watch::channel(());
    life.spawn(listen(worker.pool.clone(), rows, token.clone()));
    life.spawn(sweep_blocks(Arc::clone(&worker), head.clone(), token.clone()));
    let mut tasks = JoinSet::new();
    while !token.is_cancelled() {
        if let Err(error) = lease_rows(&worker, &mut tasks, &head, &token).await {
            tracing::warn!(%error, "no settlements could be leased");
        }
        tokio::select! {
            () = token.cancelled() => {}
            _ = queued.changed() => {}
            Some(ended) = tasks.join_next() => report(ended),
            () = tokio::time::sleep(poll) => {}
        }
    }
    while let Some(ended) = tasks.join_next().await {
        report(ended);
    }
    while let Some(ended) = life.join_next().await {
        report(ended);
    }
}

/// A task that panicked leaves its row leased; the lease runs out and the row is taken up again.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a settlement task went down");
    }
}

async fn lease_rows(
    worker: &Arc<Worker>,
    tasks: &mut JoinSet<()>,
    head: &watch::Receiver<Option<Head>>,
    token: &CancellationToken,
) -> Result<(), StoreError> {
    let free = (worker.settings.lanes as usize).saturating_sub(tasks.len());
    if free == 0 {
        return Ok(());
    }
    for lease in worker.claim(Phase::Sending, free as u32).await? {
        tasks.spawn(drive_row(Arc::clone(worker), lease, head.clone(), token.clone()));
    }
    Ok(())
}

impl Worker {
    /// Leases up to `limit` rows that nobody works on.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn claim(&self, phase: Phase, limit: u32) -> Result<Vec<RowLease>, StoreError> {
        let mut conn = self.pool.acquire().await?;
        let lease = self.settings.lease;
        let claimed = store::claim(&mut conn, self.chain_id(), phase, limit, lease).await?;
        Ok(claimed.into_iter().map(|(lease, _)| lease).collect())
    }

    /// Gives a row back. A failure is not fatal: the lease runs out by itself.
    pub async fn release(&self, lease: RowLease) {
        let released = async {
            let mut conn = self.pool.acquire().await?;
            store::release(&mut conn, lease).await
        };
        if let Err(error) = released.await {
            tracing::debug!(settlement = lease.id, %error, "lease not given back");
        }
    }
}

/// Drives one row until its reveal is recorded, it ends, or the token is cancelled.
async fn drive_row(
    worker: Arc<Worker>,
    lease: RowLease,
    mut head: watch::Receiver<Option<Head>>,
    token: CancellationToken,
) {
    while !token.is_cancelled() {
        head.mark_unchanged();
        match worker.step(lease).await {
            Ok(Progress::Moved) => continue,
            Ok(Progress::Revealed | Progress::Done) => break,
            Ok(Progress::Waiting) => {}
            Err(error) if error.fenced() => {
                tracing::warn!(settlement = lease.id, "another worker has the row");
                return;
            }
            Err(error) => {
                complain(lease, &error);
                if !error.retryable() {
                    // the lease runs out by itself: a pause, and its place goes to another row
                    return;
                }
            }
        }
        // a lease outlasts this wait many times over; every step renews it
        tokio::select! {
            () = token.cancelled() => {}
            _ = head.changed() => {}
            () = tokio::time::sleep(worker.settings.lease / 4) => {}
        }
    }
    worker.release(lease).await;
}

fn complain(lease: RowLease, error: &SettlementError) {
    let settlement = lease.id;
    metrics::counter!("gavel_settlement_step_errors_total").increment(1);
    if error.retryable() {
        tracing::warn!(settlement, %error, "settlement step put off");
    } else {
        tracing::error!(settlement, %error, "settlement step failed");
    }
}

/// Looks at every revealed row once a block: final by now, or lost in a reorg.
async fn sweep_blocks(
    worker: Arc<Worker>,
    mut head: watch::Receiver<Option<Head>>,
    token: CancellationToken,
) {
    loop {
        tokio::select! {
            () = token.cancelled() => return,
            changed = head.changed() => if changed.is_err() { return },
        }
        match worker.claim(Phase::Settling, SWEEP).await {
            Ok(leases) => sweep(&worker, leases).await,
            Err(error) => tracing::warn!(%error, "no revealed settlements could be leased"),
        }
    }
}

async fn sweep(worker: &Worker, leases: Vec<RowLease>) {
    for lease in leases {
        match worker.step(lease).await {
            Ok(_) => {}
            Err(error) if error.fenced() => continue,
            Err(error) => complain(lease, &error),
        }
        worker.release(lease).await;
    }
}

/// Publishes every new head.
async fn watch_heads(
    worker: Arc<Worker>,
    heads: watch::Sender<Option<Head>>,
    poll: Duration,
    token: CancellationToken,
) {
    loop {
        match worker.node.head().await {
            Ok(head) => {
                heads.send_if_modified(|known| {
                    let new = *known != Some(head);
                    *known = Some(head);
                    new
                });
            }
            Err(error) => tracing::debug!(%error, "no head"),
        }
        if sleep_or_cancelled(&token, poll).await {
            return;
        }
    }
}

/// Wakes the loop for every queued row. It polls as well, so a lost connection costs no more
/// than one interval.
async fn listen(pool: Pool, rows: watch::Sender<()>, token: CancellationToken) {
    while !token.is_cancelled() {
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(store::CHANNEL).await?;
            loop {
                listener.recv().await?;
                rows.send_replace(());
            }
        };
        let stopped: Result<(), sqlx::Error> = tokio::select! {
            () = token.cancelled() => return,
            stopped = listening => stopped,
        };
        if let Err(error) = stopped {
            tracing::debug!(%error, "not listening for settlements");
        }
        if sleep_or_cancelled(&token, PAUSE).await {
            return;
        }
    }
}

//! The loop: woken by new rows and by new blocks, it leases rows and drives each in a task of
//! its own, as many at once as there are lanes of all settlers.

use std::{sync::Arc, time::Duration};

use infra::pg::{
    StoreError,
    settlement::{self as store, Claim, Phase, RowLease},
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    error::SettlementError,
    node::Head,
    send::float,
    wake,
    worker::{Progress, Worker},
};

/// Rows looked at in one sweep.
const SWEEP: u32 = 256;

/// Runs a worker until the token is cancelled and every task has given its row back.
pub async fn drive(worker: Arc<Worker>, poll: Duration, token: CancellationToken) {
    let (heads, head) = watch::channel(None);
    let mut life = JoinSet::new();
    life.spawn(wake::heads(Arc::clone(&worker), heads, poll, token.clone()));
    let (rows, mut queued) = watch::channel(());
    life.spawn(wake::rows(worker.pool.clone(), rows, token.clone()));
    life.spawn(sweep_blocks(Arc::clone(&worker), head.clone(), token.clone()));
    let mut tasks = JoinSet::new();
    while !token.is_cancelled() {
        if let Err(error) = lease_rows(&worker, &mut tasks, &head, &token).await {
            tracing::warn!(%error, "no settlements could be leased");
        }
        metrics::gauge!("gavel_settlement_active").set(float(tasks.len() as u64));
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
    let free = worker.places().saturating_sub(tasks.len());
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
        let settlers = self.settlers.addresses();
        let (chain_id, ttl) = (self.chain_id(), self.settings.lease);
        let claim = Claim { chain_id, settlers: &settlers, limit, ttl };
        let claimed = store::claim(&mut conn, phase, claim).await?;
        Ok(claimed.into_iter().map(|(lease, _)| lease).collect())
    }

    /// Tells on how many lanes of these settlers an auction can count.
    async fn report_settlers(&self) -> Result<(), StoreError> {
        let mut conn = self.pool.acquire().await?;
        let mut able = 0u32;
        for settler in self.settlers.iter() {
            let lanes = if settler.able() { self.settings.lanes } else { 0 };
            able += u32::from(settler.able());
            store::report_settler(&mut conn, self.chain_id(), settler.address, lanes).await?;
        }
        metrics::gauge!("gavel_settlement_settlers_able").set(f64::from(able));
        let backlog = store::backlog(&mut conn, self.chain_id()).await?;
        metrics::gauge!("gavel_settlement_planned").set(float(backlog.planned));
        Ok(())
    }

    /// Keeps a row for another while.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if another worker has it; those of the database.
    async fn renew(&self, lease: RowLease) -> Result<(), StoreError> {
        let mut conn = self.pool.acquire().await?;
        store::renew(&mut conn, lease, self.settings.lease).await
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

/// Drives one row until its reveal is recorded, it ends, or the token is cancelled. The lease is
/// kept by a heartbeat of its own, so it can be short (a killed worker's rows are soon free) and
/// a step may still be slow.
async fn drive_row(
    worker: Arc<Worker>,
    lease: RowLease,
    head: watch::Receiver<Option<Head>>,
    token: CancellationToken,
) {
    let ended = tokio::select! {
        () = keep(&worker, lease) => End::Fenced,
        ended = steps(&worker, lease, head, &token) => ended,
    };
    match ended {
        End::Released => worker.release(lease).await,
        End::Fenced => tracing::warn!(settlement = lease.id, "another worker has the row"),
        End::Paused => {}
    }
}

/// How a row's task ends.
enum End {
    /// The row is given back at once.
    Released,
    /// It is another worker's already.
    Fenced,
    /// Its lease is left to run out: a pause, and its place goes to another row.
    Paused,
}

/// Renews the lease until it is lost.
async fn keep(worker: &Worker, lease: RowLease) {
    loop {
        tokio::time::sleep(worker.settings.lease / 3).await;
        if let Err(StoreError::Fenced) = worker.renew(lease).await {
            return;
        }
    }
}

async fn steps(
    worker: &Worker,
    lease: RowLease,
    mut head: watch::Receiver<Option<Head>>,
    token: &CancellationToken,
) -> End {
    while !token.is_cancelled() {
        head.mark_unchanged();
        match worker.step(lease).await {
            Ok(Progress::Moved) => continue,
            Ok(Progress::Revealed | Progress::Done) => break,
            Ok(Progress::Waiting) => {}
            Err(error) if error.fenced() => return End::Fenced,
            Err(error) => {
                complain(lease, &error);
                if !error.retryable() {
                    return End::Paused;
                }
            }
        }
        tokio::select! {
            () = token.cancelled() => {}
            _ = head.changed() => {}
            () = tokio::time::sleep(worker.settings.lease) => {}
        }
    }
    End::Released
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

/// Once a block: looks at every row that nobody drives, such as the revealed ones, which are final
/// by now or lost in a reorg; and reports which settlers are at work.
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
        let Some(Head { timestamp_s, .. }) = *head.borrow_and_update() else { continue };
        if let Err(error) = worker.report_settlers().await {
            tracing::debug!(%error, "settlers not reported");
        }
        let reveal_s = worker.settings.earliest_reveal_s(timestamp_s);
        match worker.claim(Phase::Watching { reveal_s }, SWEEP).await {
            Ok(leases) => sweep(&worker, leases).await,
            Err(error) => tracing::warn!(%error, "no settlements could be looked at"),
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

//! Leases: one process leads a role, and one that lost it can write nothing more.
//!
//! Times are Postgres' `clock_timestamp()`, so no machine's clock decides. The token grows with
//! every change of holder. A fenced transaction's first statement is [`fence`], which locks the
//! row FOR SHARE; taking over is an UPDATE of that row. So either the old holder's transaction
//! commits before the takeover, or it finds its token gone.

use std::{fmt::Display, time::Duration};

use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{Pool, StoreError};
use crate::{config::LeaseConfig, run::sleep_or_cancelled};

/// A held role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The role, such as `auction:1`.
    pub role: String,
    /// Who holds it.
    pub holder: String,
    /// The fence: no other holding of this role has the same.
    pub token: i64,
}

/// Takes the role if it is free or its time is over; `None` if another holds it.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn acquire(
    pool: &Pool,
    role: &str,
    holder: &str,
    ttl: Duration,
) -> Result<Option<Lease>, StoreError> {
    // the condition is evaluated again after the row's lock was waited for
    const QUERY: &str = "\
        INSERT INTO lease AS held (role, holder, token, expires_at)
        VALUES ($1, $2, 1, clock_timestamp() + $3::bigint * interval '1 millisecond')
        ON CONFLICT (role) DO UPDATE
        SET holder = excluded.holder,
            token = held.token + 1,
            expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond'
        WHERE held.expires_at <= clock_timestamp()
        RETURNING token";
    let token: Option<i64> = sqlx::query_scalar(QUERY)
        .bind(role)
        .bind(holder)
        .bind(millis(ttl))
        .fetch_optional(pool)
        .await?;
    Ok(token.map(|token| Lease { role: role.to_owned(), holder: holder.to_owned(), token }))
}

/// Holds the role for another `ttl` from now.
///
/// # Errors
/// [`StoreError::Fenced`] if another has it, [`StoreError::Unavailable`].
pub async fn renew(pool: &Pool, lease: &Lease, ttl: Duration) -> Result<(), StoreError> {
    const QUERY: &str = "\
        UPDATE lease SET expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond'
        WHERE role = $1 AND token = $2";
    let done = sqlx::query(QUERY)
        .bind(&lease.role)
        .bind(lease.token)
        .bind(millis(ttl))
        .execute(pool)
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
}

/// Gives the role up, so that another need not wait for its time to run out. Without effect if
/// another has it already.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn release(pool: &Pool, lease: &Lease) -> Result<(), StoreError> {
    const QUERY: &str = "UPDATE lease SET expires_at = '-infinity' WHERE role = $1 AND token = $2";
    sqlx::query(QUERY).bind(&lease.role).bind(lease.token).execute(pool).await?;
    Ok(())
}

/// The first statement of every fenced transaction. It waits for a takeover under way and keeps
/// the next one waiting until this transaction ends.
///
/// # Errors
/// [`StoreError::Fenced`] if the role has passed on, [`StoreError::Unavailable`].
pub async fn fence(conn: &mut PgConnection, lease: &Lease) -> Result<(), StoreError> {
    const QUERY: &str = "SELECT 1 FROM lease WHERE role = $1 AND token = $2 FOR SHARE";
    let held: Option<i32> =
        sqlx::query_scalar(QUERY).bind(&lease.role).bind(lease.token).fetch_optional(conn).await?;
    held.map(|_| ()).ok_or(StoreError::Fenced)
}

/// Leads a role whenever it is to be had, until `stop`: acquires, runs `body` while renewing in
/// the background, releases, begins again. The body's token is cancelled when the lease is lost
/// or `stop` is; the body must then return. A body that returns an error is logged and run again
/// under a new lease. Returns when `stop` is cancelled and the body has ended.
pub async fn hold<F, Fut, E>(
    pool: &Pool,
    role: &str,
    times: &LeaseConfig,
    stop: &CancellationToken,
    mut body: F,
) where
    F: FnMut(Lease, CancellationToken) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    let holder = crate::run::instance_id();
    let pause = times.renew();
    while !stop.is_cancelled() {
        let asked = Instant::now();
        match acquire(pool, role, &holder, times.ttl()).await {
            Ok(Some(lease)) => lead(pool, lease, *times, asked, stop, &mut body).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(role, %error, "lease not acquired"),
        }
        if sleep_or_cancelled(stop, pause).await {
            return;
        }
    }
}

async fn lead<F, Fut, E>(
    pool: &Pool,
    lease: Lease,
    times: LeaseConfig,
    asked: Instant,
    stop: &CancellationToken,
    body: &mut F,
) where
    F: FnMut(Lease, CancellationToken) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    let role = lease.role.clone();
    tracing::info!(role, token = lease.token, "leading");
    metrics::gauge!("gavel_lease_held", "role" => role.clone()).set(1.0);
    let lost = stop.child_token();
    // a task of its own, so that a body busy with computing does not delay it
    let renewing = AbortOnDropHandle::new(tokio::spawn(keep_renewing(
        pool.clone(),
        lease.clone(),
        times,
        asked,
        lost.clone(),
    )));
    if let Err(error) = body(lease.clone(), lost.clone()).await {
        tracing::error!(role, %error, "leader failed");
        metrics::counter!("gavel_leader_failures_total", "role" => role.clone()).increment(1);
    }
    lost.cancel();
    drop(renewing);
    metrics::gauge!("gavel_lease_held", "role" => role.clone()).set(0.0);
    match release(pool, &lease).await {
        Ok(()) => tracing::info!(role, token = lease.token, "no longer leading"),
        Err(error) => tracing::warn!(role, %error, "lease not released, it will run out"),
    }
}

/// Cancels `lost` as soon as the lease is another's, or when no renewal succeeded within its time.
async fn keep_renewing(
    pool: Pool,
    lease: Lease,
    times: LeaseConfig,
    asked: Instant,
    lost: CancellationToken,
) {
    let mut until = asked + times.ttl();
    while !sleep_or_cancelled(&lost, times.renew()).await {
        let asked = Instant::now();
        match tokio::time::timeout_at(until, renew(&pool, &lease, times.ttl())).await {
            Ok(Ok(())) => until = asked + times.ttl(),
            Ok(Err(StoreError::Fenced)) => break,
            Ok(Err(error)) => tracing::warn!(role = lease.role, %error, "lease not renewed"),
            Err(_) => {}
        }
        if Instant::now() >= until {
            break;
        }
    }
    if !lost.is_cancelled() {
        tracing::warn!(role = lease.role, token = lease.token, "lease lost");
        lost.cancel();
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

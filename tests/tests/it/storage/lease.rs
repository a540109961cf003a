//! One leader at a time, and a former one writes nothing.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use infra::pg::{
    Pool, StoreError, event,
    lease::{self, Lease},
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::stores::{CHAIN, TIMES, event, pool, pool_with, until};

const TTL: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

async fn take(pool: &Pool, holder: &str, ttl: Duration) -> Lease {
    until("the lease", || async {
        lease::acquire(pool, "auction:1", holder, ttl).await.unwrap().ok_or("held".to_owned())
    })
    .await
}

/// A fenced write, as every leader does it.
async fn write(pool: &Pool, lease: &Lease, number: u64) -> Result<(), StoreError> {
    let mut tx = infra::pg::begin(pool).await?;
    lease::fence(&mut tx, lease).await?;
    event::append(&mut tx, CHAIN, &[event(number)]).await?;
    Ok(tx.commit().await?)
}

async fn written(pool: &Pool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM event").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn one_of_many_contenders_leads_and_its_successor_has_a_higher_token() {
    let pool = pool().await;
    let mut contenders = JoinSet::new();
    for number in 0..16 {
        let pool = pool.clone();
        contenders.spawn(async move {
            lease::acquire(&pool, "auction:1", &format!("p{number}"), LONG).await.unwrap()
        });
    }
    let leases: Vec<Lease> = contenders.join_all().await.into_iter().flatten().collect();
    let [first] = leases.as_slice() else { panic!("{leases:?}") };
    lease::renew(&pool, first, LONG).await.unwrap();
    lease::release(&pool, first).await.unwrap();
    let second = take(&pool, "next", LONG).await;
    assert!(second.token > first.token);
    assert!(matches!(lease::renew(&pool, first, LONG).await, Err(StoreError::Fenced)));
    lease::release(&pool, first).await.unwrap();
    lease::renew(&pool, &second, LONG).await.unwrap();
}

#[tokio::test]
async fn a_leader_frozen_past_its_lease_and_thawed_writes_nothing() {
    let pool = pool().await;
    let frozen = take(&pool, "frozen", TTL).await;
    write(&pool, &frozen, 1).await.unwrap();
    let successor = take(&pool, "successor", LONG).await;
    assert!(matches!(write(&pool, &frozen, 2).await, Err(StoreError::Fenced)));
    write(&pool, &successor, 3).await.unwrap();
    assert_eq!(written(&pool).await, 2);
}

#[tokio::test]
async fn a_takeover_waits_for_the_fenced_transaction_that_came_first() {
    let pool = pool().await;
    let old = take(&pool, "old", TTL).await;
    let mut tx = infra::pg::begin(&pool).await.unwrap();
    lease::fence(&mut tx, &old).await.unwrap();
    let successor = tokio::spawn({
        let pool = pool.clone();
        async move { take(&pool, "new", LONG).await }
    });
    until("the takeover waiting for the row", || async {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND datname = current_database()",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        (waiting == 1).then_some(()).ok_or(format!("{waiting} waiting"))
    })
    .await;
    assert!(!successor.is_finished());
    event::append(&mut tx, CHAIN, &[event(1)]).await.unwrap();
    tx.commit().await.unwrap();
    let new = successor.await.unwrap();
    assert!(new.token > old.token);
    assert!(matches!(write(&pool, &old, 2).await, Err(StoreError::Fenced)));
    assert_eq!(written(&pool).await, 1);
}

#[tokio::test]
async fn a_leader_frozen_inside_its_transaction_does_not_keep_the_role_forever() {
    let pool = pool_with(|config| config.idle_transaction_timeout_ms = 300).await;
    let frozen = take(&pool, "frozen", TTL).await;
    let mut tx = infra::pg::begin(&pool).await.unwrap();
    lease::fence(&mut tx, &frozen).await.unwrap();
    event::append(&mut tx, CHAIN, &[event(1)]).await.unwrap();
    take(&pool, "successor", LONG).await;
    let error = StoreError::from(tx.commit().await.unwrap_err());
    assert!(error.retryable(), "{error:?}");
    assert_eq!(written(&pool).await, 0);
}

#[tokio::test]
async fn no_write_of_a_former_leader_follows_a_takeover_however_they_race() {
    let pool = pool().await;
    for _ in 0..20 {
        let old = take(&pool, "old", Duration::from_millis(15)).await;
        let mut writers = JoinSet::new();
        for _ in 0..4 {
            let (pool, old) = (pool.clone(), old.clone());
            writers.spawn(async move { while write(&pool, &old, 1).await.is_ok() {} });
        }
        let new = take(&pool, "new", LONG).await;
        let at_takeover = written(&pool).await;
        writers.join_all().await;
        assert_eq!(written(&pool).await, at_takeover);
        lease::release(&pool, &new).await.unwrap();
    }
}

#[tokio::test]
async fn a_held_role_is_renewed_handed_over_at_the_stop_and_given_up_when_lost() {
    let pool = pool().await;
    let (led, mut leading) = mpsc::channel::<(&'static str, Lease, CancellationToken)>(8);
    let start = |name: &'static str, stop: CancellationToken| {
        let (pool, led) = (pool.clone(), led.clone());
        tokio::spawn(async move {
            lease::hold(&pool, "auction:1", &TIMES, &stop, |lease, lost| {
                let led = led.clone();
                async move {
                    led.send((name, lease, lost.clone())).await.unwrap();
                    lost.cancelled().await;
                    Ok::<(), Infallible>(())
                }
            })
            .await;
        })
    };
    let stop_first = CancellationToken::new();
    let first = start("first", stop_first.clone());
    let (name, lease, lost) = leading.recv().await.unwrap();
    assert_eq!(name, "first");

    // longer than the time to live: it must have been renewed
    let stop_second = CancellationToken::new();
    let second = start("second", stop_second.clone());
    tokio::time::sleep(TIMES.ttl() * 2).await;
    assert!(!lost.is_cancelled());
    lease::renew(&pool, &lease, TIMES.ttl()).await.unwrap();

    stop_first.cancel();
    first.await.unwrap();
    let (name, taken, lost) = leading.recv().await.unwrap();
    assert_eq!(name, "second");
    assert!(taken.token > lease.token);

    // somebody takes it away: the body is told, and leads again later
    sqlx::query("UPDATE lease SET token = token + 1, expires_at = '-infinity'")
        .execute(&pool)
        .await
        .unwrap();
    lost.cancelled().await;
    let (name, again, _) = leading.recv().await.unwrap();
    assert_eq!(name, "second");
    assert!(again.token > taken.token + 1);
    stop_second.cancel();
    second.await.unwrap();
}

#[tokio::test]
async fn a_body_that_fails_is_run_again_under_another_lease() {
    let pool = pool().await;
    let runs = Arc::new(AtomicU64::new(0));
    let stop = CancellationToken::new();
    lease::hold(&pool, "auction:1", &TIMES, &stop, |_, _| {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        let stop = stop.clone();
        async move {
            if run == 0 {
                return Err("no luck");
            }
            stop.cancel();
            Ok(())
        }
    })
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

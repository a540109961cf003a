//! The outbox: gap-free, in order, once; through crashes, flushes and restores.

use std::time::Duration;

use futures_util::StreamExt as _;
use infra::{
    pg::{Pool, event},
    relay,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::stores::{CHAIN, OwnRedis, TIMES, event, pool, until};

struct Relays(CancellationToken, Vec<JoinHandle<()>>);

impl Relays {
    fn start(pool: &Pool, redis: &OwnRedis, processes: usize) -> Self {
        let stop = CancellationToken::new();
        let run =
            |_| tokio::spawn(relay::run(pool.clone(), redis.store.clone(), TIMES, stop.clone()));
        Self(stop.clone(), (0..processes).map(run).collect())
    }

    async fn stop(self) {
        self.0.cancel();
        for relay in self.1 {
            relay.await.unwrap();
        }
    }
}

async fn append(pool: &Pool, numbers: std::ops::Range<u64>) {
    let events: Vec<_> = numbers.map(event).collect();
    event::append(&mut pool.acquire().await.unwrap(), CHAIN, &events).await.unwrap();
}

async fn from_start(pool: &Pool) -> event::Cursor {
    let epoch = event::epoch(&mut pool.acquire().await.unwrap(), CHAIN).await.unwrap();
    event::Cursor { epoch, seq: 0 }
}

/// The next `count` events of the stream, which must be numbered `first, first + 1, …`.
async fn read(
    tail: &mut (impl futures_util::Stream<Item = event::StreamedEvent> + Unpin),
    first: u64,
    count: u64,
) -> Vec<String> {
    let mut bodies = Vec::new();
    for expected in first..first + count {
        let next = tokio::time::timeout(Duration::from_secs(20), tail.next()).await;
        let event = next.unwrap_or_else(|_| panic!("no event {expected}")).unwrap();
        assert_eq!(event.seq, expected);
        bodies.push(event.data.get().to_owned());
    }
    bodies
}

async fn length(redis: &OwnRedis) -> u64 {
    let key = format!("gavel:{{{CHAIN}}}:events");
    ::redis::cmd("XLEN").arg(key).query_async(&mut redis.raw().await).await.unwrap()
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_numbered_late_and_not_lost() {
    let (pool, redis) = (pool().await, OwnRedis::start().await);
    let mut tail = redis.store.tail_events(from_start(&pool).await);
    let mut slow = infra::pg::begin(&pool).await.unwrap();
    event::append(&mut slow, CHAIN, &[event(1)]).await.unwrap();
    append(&pool, 2..4).await;
    let relays = Relays::start(&pool, &redis, 1);
    assert_eq!(read(&mut tail, 1, 2).await, [r#"{"auction_id": 2}"#, r#"{"auction_id": 3}"#]);
    slow.commit().await.unwrap();
    assert_eq!(read(&mut tail, 3, 1).await, [r#"{"auction_id": 1}"#]);
    relays.stop().await;
}

#[tokio::test]
async fn several_relays_and_many_writers_make_one_order_without_gaps() {
    let (pool, redis) = (pool().await, OwnRedis::start().await);
    let relays = Relays::start(&pool, &redis, 3);
    let mut tail = redis.store.tail_events(from_start(&pool).await);
    let begun = std::time::Instant::now();
    let writers = (0..10_u64).map(|writer| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for turn in 0..20 {
                let first = writer * 1_000 + turn * 25;
                append(&pool, first..first + 25).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut bodies = read(&mut tail, 1, 5_000).await;
    // it takes half a second where nothing else runs
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 5_000);
    relays.stop().await;
    assert_eq!(length(&redis).await, 5_000);
}

#[tokio::test]
async fn numbers_given_before_a_crash_are_published_after_it_and_only_once() {
    let (pool, redis) = (pool().await, OwnRedis::start().await);
    let start = from_start(&pool).await;
    append(&pool, 0..3).await;
    let relays = Relays::start(&pool, &redis, 1);
    let mut tail = redis.store.tail_events(start);
    read(&mut tail, 1, 3).await;
    relays.stop().await;
    // what a crash between numbering and publishing leaves behind
    append(&pool, 3..6).await;
    sqlx::query("UPDATE event SET seq = id WHERE seq IS NULL").execute(&pool).await.unwrap();
    append(&pool, 6..8).await;
    let relays = Relays::start(&pool, &redis, 1);
    read(&mut tail, 4, 5).await;
    relays.stop().await;
    assert_eq!(length(&redis).await, 8);
}

#[tokio::test]
async fn a_flush_under_load_loses_no_event_and_readers_notice_nothing() {
    let (pool, redis) = (pool().await, OwnRedis::start().await);
    let relays = Relays::start(&pool, &redis, 2);
    let mut tail = redis.store.tail_events(from_start(&pool).await);
    let writer = tokio::spawn({
        let pool = pool.clone();
        async move {
            for number in 0..300 {
                append(&pool, number..number + 1).await;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
    });
    for part in 0..3 {
        read(&mut tail, part * 90 + 1, 90).await;
        redis.flush().await;
    }
    writer.await.unwrap();
    read(&mut tail, 271, 30).await;
    until("the whole stream again", || async {
        let length = length(&redis).await;
        (length == 300).then_some(()).ok_or(format!("{length} events"))
    })
    .await;
    // a flush while nothing happens is noticed, too
    redis.flush().await;
    let mut again = redis.store.tail_events(from_start(&pool).await);
    read(&mut again, 1, 300).await;
    relays.stop().await;
}

#[tokio::test]
async fn while_redis_is_down_events_are_kept_and_then_published() {
    let (pool, mut redis) = (pool().await, OwnRedis::start().await);
    let relays = Relays::start(&pool, &redis, 1);
    let mut tail = redis.store.tail_events(from_start(&pool).await);
    append(&pool, 0..10).await;
    read(&mut tail, 1, 10).await;
    redis.server.kill9().unwrap();
    append(&pool, 10..20).await;
    until("numbers without Redis", || async {
        let head = event::head(&mut pool.acquire().await.unwrap(), CHAIN).await.unwrap();
        (head == 20).then_some(()).ok_or(format!("head {head}"))
    })
    .await;
    redis.server.restart().await.unwrap();
    read(&mut tail, 11, 10).await;
    relays.stop().await;
}

#[tokio::test]
async fn a_database_that_went_back_begins_another_epoch() {
    let (pool, redis) = (pool().await, OwnRedis::start().await);
    let start = from_start(&pool).await;
    append(&pool, 0..10).await;
    let relays = Relays::start(&pool, &redis, 1);
    let mut tail = redis.store.tail_events(start);
    read(&mut tail, 1, 10).await;
    relays.stop().await;
    // what a restore does
    sqlx::query("DELETE FROM event WHERE seq > 5").execute(&pool).await.unwrap();
    let relays = Relays::start(&pool, &redis, 1);
    read(&mut tail, 1, 5).await;
    let after = from_start(&pool).await;
    assert!(after.epoch > start.epoch);
    append(&pool, 20..22).await;
    read(&mut tail, 6, 2).await;
    relays.stop().await;
}

#[tokio::test]
async fn another_database_on_the_same_redis_replaces_the_stream() {
    let (one, two, redis) = (pool().await, pool().await, OwnRedis::start().await);
    let start = from_start(&one).await;
    append(&one, 0..3).await;
    let relays = Relays::start(&one, &redis, 1);
    let mut tail = redis.store.tail_events(start);
    read(&mut tail, 1, 3).await;
    relays.stop().await;
    // not within the same millisecond
    until("another epoch", || async {
        let other = from_start(&two).await;
        (other.epoch != start.epoch).then_some(()).ok_or("same".to_owned())
    })
    .await;
    append(&two, 7..12).await;
    let relays = Relays::start(&two, &redis, 1);
    assert_eq!(read(&mut tail, 1, 5).await[0], r#"{"auction_id": 7}"#);
    relays.stop().await;
}

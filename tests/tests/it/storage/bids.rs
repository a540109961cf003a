//! The queue of bids: places, repeats, quotas, the close, and losing it.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use domain::{Amount, AuctionId, BidId};
use infra::redis::{Fund, NewBid, Quota, Quotas, RedisError, Short, Stake, Store, Submitted};
use tokio::task::JoinSet;

use super::stores::{OwnRedis, until};

const AUCTION: AuctionId = AuctionId::new(7);
const HOUR: u64 = 3_600_000;
const QUOTAS: Quotas =
    Quotas { per_solver: 5_000, per_auction: 5_000, body_bytes: 1_000, auction_bytes: 1_000_000 };

fn solver(number: u8) -> Address {
    Address::repeat_byte(number)
}

/// Bid `number` of the solver, with its own client bid id.
async fn submit(store: &Store, from: u8, number: u64, quotas: &Quotas) -> Submitted {
    let body = format!("bid {number}");
    submit_with(store, from, number, body.as_bytes(), quotas, Stake::default()).await
}

async fn submit_with(
    store: &Store,
    from: u8,
    number: u64,
    body: &[u8],
    quotas: &Quotas,
    stake: Stake,
) -> Submitted {
    let (client_bid_id, id) = ids(from, number);
    let new = NewBid { solver: solver(from), client_bid_id, id, body, stake };
    store.submit(AUCTION, &new, quotas).await.unwrap()
}

fn ids(from: u8, number: u64) -> (B256, BidId) {
    let client = B256::left_padding_from(&number.to_be_bytes());
    let mut bid = B256::repeat_byte(from);
    bid.0[..8].copy_from_slice(&number.to_be_bytes());
    (client, BidId::new(bid))
}

#[tokio::test]
async fn bids_have_one_order_and_repeats_keep_their_place() {
    let redis = OwnRedis::start().await;
    let window = redis.store.open(AUCTION, HOUR, 1).await.unwrap();
    assert_eq!(window.closes_at_ms, window.opened_at_ms + HOUR);
    let mut posts = JoinSet::new();
    for number in 0..1_200_u64 {
        let store = redis.store.clone();
        // every bid twice, at once
        for _ in 0..2 {
            let store = store.clone();
            posts.spawn(async move { (number, submit(&store, 1, number, &QUOTAS).await) });
        }
    }
    let mut places = BTreeSet::new();
    let mut repeats = Vec::new();
    for (number, submitted) in posts.join_all().await {
        match submitted {
            Submitted::Queued { ms, seq } => assert!(places.insert((ms, seq, number))),
            Submitted::Repeated { ms, seq } => repeats.push((ms, seq, number)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((places.len(), repeats.len()), (1_200, 1_200));
    assert!(repeats.iter().all(|repeat| places.contains(repeat)));

    assert_eq!(redis.store.close(AUCTION, window.closes_at_ms).await.unwrap(), Some(1_200));
    let read = redis.store.read(AUCTION, None, window.closes_at_ms).await.unwrap();
    let expected: Vec<_> = places.into_iter().collect();
    let found: Vec<_> = read
        .iter()
        .map(|bid| {
            let text = std::str::from_utf8(&bid.body).unwrap();
            let number: u64 = text.strip_prefix("bid ").unwrap().parse().unwrap();
            assert_eq!(bid.bid_id, ids(1, number).1);
            (bid.ms, bid.seq, number)
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_client_bid_id_names_one_bid_of_one_solver() {
    let redis = OwnRedis::start().await;
    redis.store.open(AUCTION, HOUR, 1).await.unwrap();
    let (client_bid_id, first) = ids(1, 1);
    let submit = |from: u8, id: BidId| {
        let store = redis.store.clone();
        let (solver, stake) = (solver(from), Stake::default());
        let new = NewBid { solver, client_bid_id, id, body: b"x", stake };
        async move { store.submit(AUCTION, &new, &QUOTAS).await.unwrap() }
    };
    assert!(matches!(submit(1, first).await, Submitted::Queued { .. }));
    let other = ids(1, 2).1;
    assert_eq!(submit(1, other).await, Submitted::IdReused { bid_id: first });
    assert!(matches!(submit(2, other).await, Submitted::Queued { .. }));
}

#[tokio::test]
async fn a_late_bid_is_told_by_how_much_and_a_repeat_of_an_early_one_is_not_late() {
    let redis = OwnRedis::start().await;
    let window = redis.store.open(AUCTION, 60, 1).await.unwrap();
    let early = submit(&redis.store, 1, 1, &QUOTAS).await;
    let Submitted::Queued { ms, seq } = early else { panic!("{early:?}") };
    until("the end of the window", || async {
        let now = redis.store.time_ms().await.unwrap();
        (now >= window.closes_at_ms).then_some(()).ok_or(format!("{now}"))
    })
    .await;
    let late = submit(&redis.store, 1, 2, &QUOTAS).await;
    let Submitted::Late { closed_at_ms, ms: came_at } = late else { panic!("{late:?}") };
    assert_eq!(closed_at_ms, window.closes_at_ms);
    assert!(came_at >= closed_at_ms);
    assert_eq!(submit(&redis.store, 1, 1, &QUOTAS).await, Submitted::Repeated { ms, seq });
    redis.store.close(AUCTION, window.closes_at_ms).await.unwrap();
    assert_eq!(redis.store.read(AUCTION, None, window.closes_at_ms).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_marker_closes_the_window_even_before_its_time() {
    let redis = OwnRedis::start().await;
    let window = redis.store.open(AUCTION, HOUR, 1).await.unwrap();
    submit(&redis.store, 1, 1, &QUOTAS).await;
    assert_eq!(redis.store.close(AUCTION, window.closes_at_ms).await.unwrap(), Some(1));
    assert_eq!(redis.store.close(AUCTION, window.closes_at_ms).await.unwrap(), Some(1));
    let after = submit(&redis.store, 1, 2, &QUOTAS).await;
    assert_eq!(
        after,
        Submitted::Late { closed_at_ms: window.closes_at_ms, ms: window.closes_at_ms }
    );
    assert_eq!(redis.store.read(AUCTION, None, window.closes_at_ms).await.unwrap().len(), 1);
}

#[tokio::test]
async fn quotas_are_per_solver_per_auction_and_in_bytes() {
    let redis = OwnRedis::start().await;
    redis.store.open(AUCTION, HOUR, 1).await.unwrap();
    let quotas = Quotas { per_solver: 2, per_auction: 3, body_bytes: 5, auction_bytes: 17 };
    let exceeded = Submitted::QuotaExceeded;
    let store = &redis.store;
    let big = submit_with(store, 1, 99, b"123456", &quotas, Stake::default()).await;
    assert_eq!(big, exceeded(Quota::Body));
    for number in 0..2 {
        assert!(matches!(submit(store, 1, number, &quotas).await, Submitted::Queued { .. }));
    }
    assert_eq!(submit(store, 1, 3, &quotas).await, exceeded(Quota::Solver));
    assert!(matches!(submit(store, 1, 0, &quotas).await, Submitted::Repeated { .. }));
    let roomy = Quotas { auction_bytes: 14, ..quotas };
    assert_eq!(submit(store, 2, 4, &roomy).await, exceeded(Quota::AuctionBytes));
    assert!(matches!(submit(store, 2, 5, &quotas).await, Submitted::Queued { .. }));
    assert_eq!(submit(store, 3, 6, &quotas).await, exceeded(Quota::Auction));
}

#[tokio::test]
async fn a_solver_cannot_queue_more_than_its_bond_and_its_deposit_answer_for() {
    let redis = OwnRedis::start().await;
    redis.store.open(AUCTION, HOUR, 1).await.unwrap();
    let gwei = |n: u64| Amount::from(n * 1_000_000_000);
    let stake = |penalty, cost| Stake {
        penalty: gwei(penalty),
        bond: gwei(10),
        cost: gwei(cost),
        deposit: gwei(10),
    };
    let submit =
        |from, number, stake| submit_with(&redis.store, from, number, b"bid", &QUOTAS, stake);
    let queued = |submitted| matches!(submitted, Submitted::Queued { .. });
    assert!(queued(submit(1, 1, stake(6, 1)).await));
    let needed = gwei(11);
    let short = Short { fund: Fund::Bond, needed, free: gwei(10) };
    assert_eq!(submit(1, 2, stake(5, 1)).await, Submitted::Short(short));
    assert!(queued(submit(1, 3, stake(4, 1)).await), "what was refused ties nothing down");
    let short = Short { fund: Fund::Gas, needed, free: gwei(10) };
    assert_eq!(submit(1, 4, stake(0, 9)).await, Submitted::Short(short));
    assert!(matches!(submit(1, 1, stake(6, 1)).await, Submitted::Repeated { .. }));
    assert!(queued(submit(2, 5, stake(10, 10)).await), "another solver has funds of its own");
}

#[tokio::test]
async fn a_queue_lost_with_redis_takes_no_more_bids_and_reads_as_empty() {
    let redis = OwnRedis::start().await;
    assert_eq!(submit(&redis.store, 1, 0, &QUOTAS).await, Submitted::NoSuchAuction);
    let window = redis.store.open(AUCTION, HOUR, 1).await.unwrap();
    submit(&redis.store, 1, 1, &QUOTAS).await;
    redis.flush().await;
    assert_eq!(submit(&redis.store, 1, 1, &QUOTAS).await, Submitted::NoSuchAuction);
    assert!(redis.store.close(AUCTION, window.closes_at_ms).await.unwrap().is_none());
    assert!(redis.store.read(AUCTION, None, window.closes_at_ms).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_former_leader_cannot_open_again_and_a_newer_one_begins_afresh() {
    let redis = OwnRedis::start().await;
    redis.store.open(AUCTION, HOUR, 5).await.unwrap();
    submit(&redis.store, 1, 1, &QUOTAS).await;
    let former = redis.store.open(AUCTION, HOUR, 4).await;
    assert!(matches!(former, Err(RedisError::Fenced)));
    assert!(matches!(submit(&redis.store, 1, 1, &QUOTAS).await, Submitted::Repeated { .. }));
    let window = redis.store.open(AUCTION, HOUR, 6).await.unwrap();
    assert!(redis.store.read(AUCTION, None, window.closes_at_ms).await.unwrap().is_empty());
    assert!(matches!(submit(&redis.store, 1, 1, &QUOTAS).await, Submitted::Queued { .. }));
}

#[tokio::test]
async fn every_key_of_a_queue_expires() {
    let redis = OwnRedis::start().await;
    redis.store.open(AUCTION, HOUR, 1).await.unwrap();
    submit(&redis.store, 1, 1, &QUOTAS).await;
    let mut raw = redis.raw().await;
    let keys: Vec<String> = ::redis::cmd("KEYS").arg("*").query_async(&mut raw).await.unwrap();
    assert_eq!(keys.len(), 3);
    for key in keys {
        let left: i64 = ::redis::cmd("TTL").arg(&key).query_async(&mut raw).await.unwrap();
        assert!(left > 0, "{key} never expires");
    }
}

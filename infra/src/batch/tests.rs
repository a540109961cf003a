use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::*;

const BOUNDS: Bounds = Bounds { queue: 64, size: 8, wait: Duration::from_millis(5), flights: 1 };

#[tokio::test]
async fn concurrent_items_share_a_flush_and_get_their_own_answers() {
    let flushes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&flushes);
    let stop = CancellationToken::new();
    let (handle, worker) = batcher("test", BOUNDS, stop.clone(), move |items: Vec<u32>| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { items.into_iter().map(|item| item * 2).collect() }
    });
    let worker = tokio::spawn(worker);
    let asks = (0..16).map(|item| {
        let handle = handle.clone();
        async move { (item, handle.submit(item).await) }
    });
    for (item, answer) in futures_util::future::join_all(asks).await {
        assert_eq!(answer, Ok(item * 2));
    }
    assert_eq!(flushes.load(Ordering::SeqCst), 2);
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_lonely_item_waits_no_longer_than_the_bound() {
    let stop = CancellationToken::new();
    let (handle, worker) =
        batcher("test", BOUNDS, stop.clone(), |items: Vec<u32>| async move { items });
    let worker = tokio::spawn(worker);
    let answer = tokio::time::timeout(Duration::from_secs(5), handle.submit(1)).await;
    assert_eq!(answer.unwrap(), Ok(1));
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let gate = Arc::new(Notify::new());
    let stop = CancellationToken::new();
    let bounds = Bounds { queue: 2, size: 1, wait: Duration::ZERO, flights: 1 };
    let blocked = Arc::clone(&gate);
    let under_way = Arc::new(Notify::new());
    let begun = Arc::clone(&under_way);
    let (handle, worker) = batcher("test", bounds, stop.clone(), move |items: Vec<u32>| {
        let gate = Arc::clone(&blocked);
        begun.notify_one();
        async move {
            gate.notified().await;
            items
        }
    });
    let worker = tokio::spawn(worker);
    let mut asks = JoinSet::new();
    let ask = |asks: &mut JoinSet<_>, item| {
        let handle = handle.clone();
        asks.spawn(async move { handle.submit(item).await });
    };
    ask(&mut asks, 0);
    under_way.notified().await;
    // one in flight, two in the queue
    ask(&mut asks, 1);
    ask(&mut asks, 2);
    while handle.queue.capacity() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle.submit(9).await, Err(BatchError::Busy));
    for _ in 0..3 {
        gate.notify_one();
        assert!(asks.join_next().await.unwrap().unwrap().is_ok());
    }
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_panicking_flush_loses_its_answers_and_nothing_else() {
    let stop = CancellationToken::new();
    let bounds = Bounds { size: 1, ..BOUNDS };
    let (handle, worker) = batcher("test", bounds, stop.clone(), |items: Vec<u32>| async move {
        assert!(items[0] != 0, "zero");
        items
    });
    let worker = tokio::spawn(worker);
    assert_eq!(handle.submit(0).await, Err(BatchError::Lost));
    assert_eq!(handle.submit(1).await, Ok(1));
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn what_was_queued_before_the_stop_is_still_flushed() {
    let stop = CancellationToken::new();
    let (handle, worker) =
        batcher("test", BOUNDS, stop.clone(), |items: Vec<u32>| async move { items });
    let early = tokio::spawn({
        let handle = handle.clone();
        async move { handle.submit(7).await }
    });
    tokio::task::yield_now().await;
    stop.cancel();
    worker.await;
    assert_eq!(early.await.unwrap(), Ok(7));
    assert_eq!(handle.submit(8).await, Err(BatchError::Closed));
}

#[tokio::test]
async fn a_flush_that_hangs_does_not_hang_its_callers() {
    let stop = CancellationToken::new();
    let (handle, worker) = batcher("test", BOUNDS, stop.clone(), |_: Vec<u32>| async {
        std::future::pending::<Vec<u32>>().await
    });
    let worker = tokio::spawn(worker);
    let hasty = handle.with_patience(Duration::from_millis(20));
    assert_eq!(hasty.submit(1).await, Err(BatchError::Lost));
    worker.abort();
}

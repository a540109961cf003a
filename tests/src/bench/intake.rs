//! `intake`: signed intents accepted over HTTP and durable in Postgres, per second.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use super::{Row, http::Connection, recovery};
use crate::{orders::Order, stack::Stack};

const CONNECTIONS: usize = 128;
const WARM_UP: usize = 3_000;
const COUNTED: usize = 30_000;

/// The row, and the figure itself for the measurements that follow.
pub(super) async fn measure(stack: &Stack) -> io::Result<(Row, f64)> {
    let bodies = Arc::new(signed_bodies(stack, WARM_UP + COUNTED));
    let mut service = stack.serve("api").await?;
    let before = recovery::per_second();
    post_all(&service.api_url, &bodies, 0..WARM_UP).await?;
    let begun = Instant::now();
    post_all(&service.api_url, &bodies, WARM_UP..WARM_UP + COUNTED).await?;
    let elapsed = begun.elapsed().as_secs_f64();
    let after = recovery::per_second();
    service.process.stop(std::time::Duration::from_secs(20))?;
    let per_second = count(COUNTED) / elapsed;
    Ok((Row::new("intake", per_second, "1/s", f64::midpoint(before, after)), per_second))
}

pub(super) fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

/// Bodies of `POST /v1/intents`, owners in turn.
pub(super) fn signed_bodies(stack: &Stack, count: usize) -> Vec<Vec<u8>> {
    let order = small_order(stack);
    (0..count)
        .map(|n| {
            let owner = stack.owner(n % stack.market.owners.len());
            owner.intent(stack.domain(), &order).body.to_string().into_bytes()
        })
        .collect()
}

/// A thousandth of a WETH, so that no owner runs out.
pub(super) fn small_order(stack: &Stack) -> Order {
    let order = Order::sell(stack.token("WETH"), 10u128.pow(15), stack.token("USDC"), 2_475_000);
    Order { valid_to: order.valid_to + 3_000, ..order }
}

/// Posts a range of bodies over many connections; every one must be accepted.
pub(super) async fn post_all(
    url: &str,
    bodies: &Arc<Vec<Vec<u8>>>,
    range: std::ops::Range<usize>,
) -> io::Result<()> {
    let next = Arc::new(AtomicUsize::new(range.start));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (bodies, next, end) = (Arc::clone(bodies), Arc::clone(&next), range.end);
        let mut connection = Connection::open(url).await?;
        tasks.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= end {
                    return Ok::<_, io::Error>(());
                }
                let (status, body) = connection.post("/v1/intents", &bodies[n]).await?;
                if status != 201 {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    return Err(io::Error::other(format!("{status}: {text}")));
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(io::Error::other)??;
    }
    Ok(())
}

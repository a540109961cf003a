//! The loop around the steps: leading, waking, trying again.

use std::{sync::Arc, time::Duration};

use infra::{
    chain::Chain,
    config::Config,
    pg::{Pool, lease},
    price,
    redis::Store,
    relay,
    run::sleep_or_cancelled,
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{AuctionError, Market, RunnersUp, Step};

/// The pause after a failure: doubled with each further one, up to the last.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// Runs the market whenever this process leads it, until `token` is cancelled. An outage of
/// Postgres, Redis or the node is waited out; what was accepted stays in the rows meanwhile.
///
/// # Errors
/// [`AuctionError::Prices`] if the sources of prices cannot be opened. Nothing else: a failure that
/// does not pass is logged, and the market taken up anew.
pub async fn run(
    config: Arc<Config>,
    pool: Pool,
    queue: Store,
    chain: Chain,
    token: CancellationToken,
) -> Result<(), AuctionError> {
    let role = format!("auction:{}", config.chain.chain_id);
    let bell = Arc::new(Notify::new());
    let listening = AbortOnDropHandle::new(tokio::spawn(relay::listen(
        pool.clone(),
        config.chain.chain_id,
        Arc::clone(&bell),
        token.clone(),
    )));
    // whether it leads or not: a pool's average takes half an hour to watch
    let (board, watch) = price::open(&config, &chain)?;
    let watching = AbortOnDropHandle::new(tokio::spawn(watch.run(token.clone())));
    lease::hold(&pool, &role, &config.lease, &token, |held, lost| {
        let (config, bell, board) = (Arc::clone(&config), Arc::clone(&bell), board.clone());
        let (pool, queue, chain) = (pool.clone(), queue.clone(), chain.clone());
        async move {
            let idle = Duration::from_millis(config.auction.idle_poll_ms);
            let second =
                RunnersUp::new(Arc::clone(&config), pool.clone(), chain.clone(), held.clone());
            // beside the loop: what failed on chain does not keep the next windows waiting
            let _second = AbortOnDropHandle::new(tokio::spawn(second.run(lost.clone())));
            let market = Market::new(config, pool, queue, chain, held).await?.priced_by(board);
            lead(market, &bell, idle, &lost).await
        }
    })
    .await;
    drop(listening);
    // it ends with the token, as the lease did
    if let Err(error) = watching.await {
        tracing::error!(%error, "the watch over prices is gone");
    }
    Ok(())
}

/// Steps until the lease is lost. An error that does not pass ends this life as leader.
async fn lead(
    mut market: Market,
    bell: &Notify,
    idle: Duration,
    token: &CancellationToken,
) -> Result<(), AuctionError> {
    let [first, last] = PAUSE;
    let mut pause = first;
    while !token.is_cancelled() {
        match market.step(token).await {
            Ok(Step::Idle) => {
                pause = first;
                tokio::select! {
                    () = token.cancelled() => {}
                    () = bell.notified() => {}
                    () = tokio::time::sleep(idle) => {}
                }
            }
            Ok(Step::Opened(_) | Step::Concluded { .. } | Step::Stopped) => pause = first,
            Err(error) if error.fenced() => {
                tracing::warn!(%error, "another process leads the market");
                return Ok(());
            }
            Err(error) if error.retryable() => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "step failed, trying again");
                metrics::counter!("gavel_auction_failures_total").increment(1);
                sleep_or_cancelled(token, pause).await;
                pause = (pause * 2).min(last);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

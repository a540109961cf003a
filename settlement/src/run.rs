//! The role: reads its configuration, makes sure that this settler may settle, and drives.

use std::{sync::Arc, time::Duration};

use infra::{
    chain::{Chain, ChainError},
    config::Config,
    pg::Pool,
    run::sleep_or_cancelled,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    drive::drive,
    error::StartError,
    index::{IndexSettings, keep_indexing},
    key::{LocalKey, SettlerKey},
    node::Node,
    worker::{Settings, Worker},
};

/// The pause before a start that may succeed later is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// The role `settlement`: the worker, and beside it the reader of logs. Runs until the token is
/// cancelled, then finishes the steps under way and gives its rows back.
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
    let index = IndexSettings::of(&config);
    let life = keep_indexing(pool.clone(), chain.clone(), index, config.lease, token.clone());
    let indexing = AbortOnDropHandle::new(tokio::spawn(life));
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
    // it ends with the token, as the worker did
    if let Err(error) = indexing.await {
        tracing::error!(%error, "the reader of logs is gone");
    }
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

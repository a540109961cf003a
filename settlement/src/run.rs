//! The role: reads its configuration, makes sure that somebody may settle, and drives.

use std::{sync::Arc, time::Duration};

use alloy::primitives::Address;
use infra::{
    chain::{Chain, ChainError},
    config::Config,
    pg::Pool,
    run::sleep_or_cancelled,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    drive::drive,
    error::{StartError, Unfit},
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
/// A [`StartError`] if no settler can work: no key, not allowed on chain, no funds. What may pass
/// (node or database down) is waited for instead.
pub async fn run(
    config: Config,
    pool: Pool,
    chain: Chain,
    token: CancellationToken,
) -> Result<(), StartError> {
    let keys: Vec<Arc<dyn SettlerKey>> = LocalKey::load(&config.settlement)?
        .into_iter()
        .map(|key| Arc::new(key) as Arc<dyn SettlerKey>)
        .collect();
    let settings = settings(&config);
    let index = IndexSettings::of(&config);
    let life = keep_indexing(pool.clone(), chain.clone(), index, config.lease, token.clone());
    let indexing = AbortOnDropHandle::new(tokio::spawn(life));
    let node = node(&config, &chain)?;
    let worker = loop {
        match start(&pool, &node, &keys, settings).await {
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
        block_time_s: (chain.block_time_ms / 1_000).max(1),
        private_blocks: settlement.private_blocks,
        strike_s: config.auction.strike_s,
        lease: Duration::from_millis(settlement.lease_ms.max(1_000)),
    }
}

/// The node, with the private one for reveals if there is one.
///
/// # Errors
/// [`StartError::PrivateRpc`].
pub fn node(config: &Config, chain: &Chain) -> Result<Node, StartError> {
    let node = Node::new(chain.clone());
    let Some(url) = &config.settlement.private_rpc_url else { return Ok(node) };
    // the error may hold the URL, and the URL a key
    let relay = chain.relay(url, config.chain.rpc_concurrency);
    Ok(node.revealing_through(relay.map_err(|_| StartError::PrivateRpc)?))
}

/// A worker that can settle: the chain is the right one, and of one settler at least a lane is
/// open and there is money. Those of which that is not so are named in the log; they are taken up
/// as soon as it is.
///
/// # Errors
/// A [`StartError`] otherwise.
pub async fn start(
    pool: &Pool,
    node: &Node,
    keys: &[Arc<dyn SettlerKey>],
    settings: Settings,
) -> Result<Worker, StartError> {
    let failed = |error: ChainError| StartError::Failed(error.into());
    node.check_id().await.map_err(failed)?;
    let max_delay = node.max_delay().await.map_err(failed)?;
    let settlement = node.settlement();
    let mut unfit = Vec::new();
    for key in keys {
        match fitness(node, key.address(), settings.lanes).await.map_err(failed)? {
            Ok(open) => {
                let settler = key.address();
                tracing::info!(%settler, %settlement, lanes = open, max_delay, "settler ready");
            }
            Err(lacks) => {
                tracing::error!(%lacks, "a settler cannot settle");
                unfit.push(lacks);
            }
        }
    }
    if unfit.len() == keys.len() {
        return Err(StartError::NoSettler(unfit));
    }
    Ok(Worker::new(pool.clone(), node.clone(), keys.to_vec(), settings, max_delay))
}

/// How many of the first `lanes` lanes are open to the settler, or what it lacks.
async fn fitness(
    node: &Node,
    settler: Address,
    lanes: u32,
) -> Result<Result<u32, Unfit>, ChainError> {
    let mut open = 0u32;
    for lane in 0..u64::from(lanes) {
        open += u32::from(node.lane(settler, lane).await?.open);
    }
    if open == 0 {
        return Ok(Err(Unfit::NotAllowed { settler, lanes, settlement: node.settlement() }));
    }
    if node.balance(settler).await?.is_zero() {
        return Ok(Err(Unfit::NoFunds(settler)));
    }
    if open < lanes {
        tracing::warn!(%settler, open, lanes, "not every configured lane is open");
    }
    Ok(Ok(open))
}

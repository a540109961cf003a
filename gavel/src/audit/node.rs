//! A node that the auditor trusts.

use std::time::Duration;

use domain::{eip712::SigningDomain, event::BlockRef};
use infra::{
    chain::{Chain, ChainError},
    config::{ChainConfig, Secret},
};

/// How often a request is made that a node does not answer.
const TRIES: u32 = 4;
/// The first pause between two tries; the next ones are twice as long each.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a request may take: old state is slow to read.
const PATIENCE_MS: u64 = 20_000;

/// What is asked of an old block. `None`: the node does not have its state any more.
pub(super) type Asked<T> = Result<Option<T>, ChainError>;

/// Connects.
pub(super) async fn connect(rpc: &str, domain: &SigningDomain) -> Result<Chain, ChainError> {
    let chain = Chain::connect(&ChainConfig {
        rpc_url: Secret::new(rpc.to_owned()),
        chain_id: domain.chain_id(),
        settlement: domain.settlement(),
        rpc_timeout_ms: PATIENCE_MS,
        rpc_concurrency: 8,
        ..ChainConfig::default()
    })?;
    patiently(|| chain.check_id()).await?;
    Ok(chain)
}

/// Asks again where asking again can help.
pub(super) async fn patiently<T, F: Future<Output = Result<T, ChainError>>>(
    ask: impl Fn() -> F,
) -> Result<T, ChainError> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match ask().await {
            Err(ChainError::Unavailable(_) | ChainError::Timeout) => {}
            answer => return answer,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    ask().await
}

/// Asks about an old block: a node that refuses does not have it.
pub(super) async fn if_kept<T, F: Future<Output = Result<T, ChainError>>>(
    ask: impl Fn() -> F,
) -> Asked<T> {
    match patiently(ask).await {
        Ok(answer) => Ok(Some(answer)),
        Err(ChainError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the block is on the node's chain.
pub(super) async fn is_canonical(chain: &Chain, block: BlockRef) -> Result<bool, ChainError> {
    patiently(|| chain.is_canonical(block)).await
}

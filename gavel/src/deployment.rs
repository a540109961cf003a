//! Whether the contracts on the chain are the ones the configuration speaks of. Wallets would sign,
//! and owners approve, for whatever it says.

use alloy::eips::BlockId;
use alloy_primitives::{Address, B256};
use infra::chain::{Chain, ChainError, abi};

/// What is wrong with the configured deployment.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The node refuses to be asked, or is of another chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// There is no such contract.
    #[error("no contract of Gavel at {address} (chain.{key})")]
    NoContract {
        /// The setting.
        key: &'static str,
        /// What it says.
        address: Address,
    },
    /// `Settlement` asks another registry.
    #[error("Settlement asks the registry at {found}, chain.registry is {configured}")]
    OtherRegistry {
        /// The contract's.
        found: Address,
        /// The configuration's.
        configured: Address,
    },
    /// `Settlement` would not recognise what wallets are told to sign.
    #[error("Settlement's EIP-712 domain separator is {found}, not {computed}")]
    OtherDomain {
        /// The contract's.
        found: B256,
        /// Ours.
        computed: B256,
    },
}

/// Checks the deployment if the node answers; one that is away is not waited for.
pub(crate) async fn check(chain: &Chain) -> Result<(), DeploymentError> {
    match compare(chain).await {
        Err(DeploymentError::Chain(error)) if error.retryable() => {
            tracing::warn!(%error, "the contracts were not checked");
            Ok(())
        }
        checked => checked,
    }
}

async fn compare(chain: &Chain) -> Result<(), DeploymentError> {
    chain.check_id().await?;
    let (settlement, registry) = (chain.settlement(), chain.registry());
    for (key, address) in [("settlement", settlement), ("registry", registry)] {
        if chain.code_at(address).await?.is_empty() {
            return Err(DeploymentError::NoContract { key, address });
        }
    }
    let latest = BlockId::latest();
    let no_settlement = |error| match error {
        ChainError::BadAnswer(_) | ChainError::Reverted { .. } => {
            DeploymentError::NoContract { key: "settlement", address: settlement }
        }
        error => DeploymentError::Chain(error),
    };
    let found =
        chain.view(settlement, &abi::registryCall {}, latest).await.map_err(no_settlement)?;
    if found != registry {
        return Err(DeploymentError::OtherRegistry { found, configured: registry });
    }
    let call = abi::domainSeparatorCall {};
    let found = chain.view(settlement, &call, latest).await.map_err(no_settlement)?;
    let computed = chain.domain().separator();
    if found != computed {
        return Err(DeploymentError::OtherDomain { found, computed });
    }
    Ok(())
}

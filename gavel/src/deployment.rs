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
    #[error("no contract of Gavel at {0} (chain.settlement)")]
    NoContract(Address),
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
    let settlement = chain.settlement();
    if chain.code_at(settlement).await?.is_empty() {
        return Err(DeploymentError::NoContract(settlement));
    }
    let asked = chain.view(settlement, &abi::domainSeparatorCall {}, BlockId::latest()).await;
    let found = asked.map_err(|error| match error {
        ChainError::BadAnswer(_) | ChainError::Reverted { .. } => {
            DeploymentError::NoContract(settlement)
        }
        error => DeploymentError::Chain(error),
    })?;
    let computed = chain.domain().separator();
    if found != computed {
        return Err(DeploymentError::OtherDomain { found, computed });
    }
    Ok(())
}

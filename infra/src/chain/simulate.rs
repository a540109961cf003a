//! Running a batch without sending it.

use alloy::{eips::BlockId, primitives::Bytes};
use alloy_sol_types::{SolCall as _, SolError as _};

use super::{Chain, ChainError, abi};

pub use domain::auction::MAX_TX_GAS;

/// What a simulation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// How each bid ended, in settlement order. `None` if the contract refused the batch as a
    /// whole, or ran out of gas outside of every bid.
    pub results: Option<Vec<abi::BidResult>>,
    /// The revert data as the node gave it: evidence.
    pub returned: Bytes,
}

impl Chain {
    /// Runs a batch on the state after `at` as a reveal would, and says how each bid ended.
    ///
    /// # Errors
    /// Those of any request; [`ChainError::BadAnswer`] if the call does not revert, as `simulate`
    /// always does: there is no such contract.
    pub async fn simulate(
        &self,
        batch: Bytes,
        gas: Option<u64>,
        at: BlockId,
    ) -> Result<Simulated, ChainError> {
        let call = abi::simulateCall { batch };
        match self.call(self.settlement(), call.abi_encode().into(), gas, at).await {
            Ok(_) => Err(ChainError::BadAnswer("simulate did not revert")),
            Err(ChainError::Reverted { data, .. }) => {
                let results = abi::SimulationResult::abi_decode(&data).ok();
                Ok(Simulated { results: results.map(|found| found.results), returned: data })
            }
            Err(error) => Err(error),
        }
    }
}

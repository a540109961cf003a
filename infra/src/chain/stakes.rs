//! What solvers have put up: their bond and their gas deposit.

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, U256},
};
use domain::Amount;

use super::{Block, Chain, ChainError, abi};

/// Base fees that a unit of gas is reserved at: between the decision and the reveal the base fee can
/// rise by an eighth a block (EIP-1559), so this is reached after six full blocks.
const BASE_FEES: u64 = 2;

/// What the contract holds for a solver, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SolverFunds {
    /// The bond less what was asked back.
    pub bond: Amount,
    /// What of the bond was asked back: it still answers, but for nothing new.
    pub bond_leaving: Amount,
    /// The gas deposit less what was asked back.
    pub deposit: Amount,
    /// What of the deposit was asked back.
    pub deposit_leaving: Amount,
}

impl Chain {
    /// What the contract holds for a solver, on the newest state or as it was at most
    /// `standing_ttl_ms` ago.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn funds_of(&self, solver: Address) -> Result<SolverFunds, ChainError> {
        if let Some(funds) = self.stakes.get(&solver) {
            return Ok(funds);
        }
        let call = abi::fundsOfCall { solver };
        let funds = self.view(self.settlement(), &call, BlockId::latest()).await?.into();
        self.stakes.put(solver, funds);
        Ok(funds)
    }

    /// What a unit of gas is reserved at while `block` is the newest, in wei: twice its base fee and
    /// the most that the contract charges of a tip.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn gas_price(&self, block: &Block) -> Result<Amount, ChainError> {
        let ask = || self.view(self.settlement(), &abi::MAX_TIPCall {}, BlockId::latest());
        let tip = self.max_tip.get_or_try_init(ask).await?;
        let price = U256::from(block.base_fee_per_gas) * U256::from(BASE_FEES);
        Ok(Amount::new(price + U256::from(*tip)))
    }

    /// [`Chain::gas_price`] on the newest block, or on one of at most `standing_ttl_ms` ago.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn gas_price_now(&self) -> Result<Amount, ChainError> {
        if let Some(price) = self.gas_price.get(&()) {
            return Ok(price);
        }
        let price = self.gas_price(&self.block_latest().await?).await?;
        self.gas_price.put((), price);
        Ok(price)
    }
}

impl From<abi::fundsOfReturn> for SolverFunds {
    fn from(funds: abi::fundsOfReturn) -> Self {
        let amount = |wei: u128| Amount::new(U256::from(wei));
        Self {
            bond: amount(funds.bond.saturating_sub(funds.bondLeaving)),
            bond_leaving: amount(funds.bondLeaving),
            deposit: amount(funds.gas.saturating_sub(funds.gasLeaving)),
            deposit_leaving: amount(funds.gasLeaving),
        }
    }
}

/// Reads the answer of `fundsOf`.
pub(super) fn read(answer: &Bytes) -> Result<SolverFunds, ChainError> {
    use alloy_sol_types::SolCall as _;
    let funds = abi::fundsOfCall::abi_decode_returns(answer);
    funds.map(SolverFunds::from).map_err(|_| ChainError::BadAnswer("fundsOf"))
}

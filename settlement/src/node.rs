//! What the worker asks the node, in its own words.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Log, U256},
};
use alloy_sol_types::{SolCall, SolError};
use domain::{eip712::SigningDomain, event::BlockRef};
use infra::{
    chain::{Chain, ChainError, SendError, abi},
    pg::settlement::Commitment,
};

/// The newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number and hash.
    pub block: BlockRef,
    /// Unix seconds.
    pub timestamp_s: u64,
    /// Wei per gas.
    pub base_fee: u128,
}

/// A receipt, as far as we read it.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) succeeded: bool,
    pub(crate) block: BlockRef,
    pub(crate) gas_used: u64,
    pub(crate) logs: Vec<Log>,
}

/// A lane's slot on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSlot {
    /// Whether the settler may commit in it.
    pub open: bool,
    /// The block of the commitment it holds, revealed or not too old or not; none if consumed.
    pub committed_at: Option<u64>,
}

impl From<B256> for LaneSlot {
    fn from(slot: B256) -> Self {
        let [.., a, b, c, d] = slot.0;
        let block = u64::from(u32::from_be_bytes([a, b, c, d]));
        Self { open: !slot.is_zero(), committed_at: (block != 0).then_some(block) }
    }
}

/// What a node said to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Accepted,
    Known,
    NonceTooLow,
    Underpriced,
    NoFunds,
}

/// A node, asked about one settlement contract.
#[derive(Clone, Debug)]
pub struct Node(Chain);

impl Node {
    /// Wraps a chain.
    #[must_use]
    pub const fn new(chain: Chain) -> Self {
        Self(chain)
    }

    /// The chain's id and our contract.
    #[must_use]
    pub const fn domain(&self) -> &SigningDomain {
        self.0.domain()
    }

    /// Our contract.
    #[must_use]
    pub const fn settlement(&self) -> Address {
        self.0.settlement()
    }

    /// The newest block.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn head(&self) -> Result<Head, ChainError> {
        let block = self.0.block_latest().await?;
        let base_fee = u128::from(block.base_fee_per_gas);
        Ok(Head { block: block.at, timestamp_s: block.timestamp, base_fee })
    }

    /// What others tip now, wei per gas.
    pub(crate) async fn tip(&self) -> Result<u128, ChainError> {
        Ok(self.0.fees().await?.priority_fee_per_gas)
    }

    /// Mined transactions of an account.
    pub(crate) async fn nonce(&self, account: Address) -> Result<u64, ChainError> {
        self.0.nonce_latest(account).await
    }

    /// Mined and pending transactions of an account.
    pub(crate) async fn pending_nonce(&self, account: Address) -> Result<u64, ChainError> {
        self.0.nonce_pending(account).await
    }

    /// Wei of an account.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn balance(&self, account: Address) -> Result<U256, ChainError> {
        self.0.balance_of(account).await
    }

    /// Whether the block is on the node's chain now.
    pub(crate) async fn is_canonical(&self, block: BlockRef) -> Result<bool, ChainError> {
        self.0.is_canonical(block).await
    }

    /// The receipt of a transaction in a canonical block.
    pub(crate) async fn receipt(&self, tx: B256) -> Result<Option<Receipt>, ChainError> {
        let Some(receipt) = self.0.receipt(tx).await? else { return Ok(None) };
        let (Some(number), Some(hash)) = (receipt.block_number, receipt.block_hash) else {
            return Ok(None);
        };
        let logs = receipt.logs().iter().map(|log| log.inner.clone()).collect();
        Ok(Some(Receipt {
            succeeded: receipt.status(),
            block: BlockRef { number, hash },
            gas_used: receipt.gas_used,
            logs,
        }))
    }

    /// A lane's slot at the newest block.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn lane(&self, settler: Address, lane: u64) -> Result<LaneSlot, ChainError> {
        let call = abi::lanesCall { settler, lane: U256::from(lane) };
        let slot = self.0.view(self.settlement(), &call, BlockId::latest()).await?;
        Ok(slot.into())
    }

    /// Blocks for which a commitment can be revealed.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn max_delay(&self) -> Result<u64, ChainError> {
        let call = abi::MAX_DELAYCall {};
        Ok(self.0.view(self.settlement(), &call, BlockId::latest()).await?.into())
    }

    /// Whether the contract refuses this reveal for a reason that neither more gas nor another
    /// block changes.
    pub(crate) async fn refuses(
        &self,
        commitment: &Commitment,
        batch: &alloy::primitives::Bytes,
    ) -> Result<bool, ChainError> {
        let call = abi::revealCall {
            lane: U256::from(commitment.lane),
            batch: batch.clone(),
            salt: commitment.salt,
        };
        let data = call.abi_encode().into();
        match self.0.estimate_gas(commitment.settler, self.settlement(), data).await {
            Ok(_) => Ok(false),
            Err(ChainError::Reverted { data, .. }) => Ok(!passes(&data)),
            Err(error) => Err(error),
        }
    }

    /// Gives the node a signed transaction.
    pub(crate) async fn send(&self, raw: &[u8]) -> Result<Sent, SendError> {
        match self.0.send_raw(raw).await {
            Ok(_) => Ok(Sent::Accepted),
            Err(SendError::AlreadyKnown) => Ok(Sent::Known),
            Err(SendError::NonceTooLow) => Ok(Sent::NonceTooLow),
            Err(SendError::Underpriced) => Ok(Sent::Underpriced),
            Err(SendError::InsufficientFunds) => Ok(Sent::NoFunds),
            Err(error @ (SendError::Rejected(_) | SendError::Chain(_))) => Err(error),
        }
    }
}

/// Whether a revert is of the moment: too early, too late (then the commitment's age decides),
/// or short of gas.
fn passes(data: &[u8]) -> bool {
    [abi::RevealTooEarly::SELECTOR, abi::RevealTooLate::SELECTOR, abi::InsufficientGas::SELECTOR]
        .iter()
        .any(|selector| data.starts_with(selector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_open_if_its_slot_is_not_zero_and_live_if_it_holds_a_block() {
        let slot = |text: &str| LaneSlot::from(text.parse::<B256>().unwrap());
        let zero = "00".repeat(32);
        assert_eq!(slot(&zero), LaneSlot { open: false, committed_at: None });
        let opened = format!("{}0100000000", "00".repeat(27));
        assert_eq!(slot(&opened), LaneSlot { open: true, committed_at: None });
        let live = format!("{}0000002a", "c0".repeat(28));
        assert_eq!(slot(&live), LaneSlot { open: true, committed_at: Some(42) });
    }
}

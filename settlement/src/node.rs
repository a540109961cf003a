//! What the worker asks the node, in its own words.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Log, U256},
};
use alloy_sol_types::{SolCall, SolError};
use domain::{eip712::SigningDomain, event::BlockRef};
use infra::{
    chain::{Chain, ChainError, Relay, SendError, abi},
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
    /// Its place in the block.
    pub(crate) index: u64,
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
    /// The top 224 bits of the commitment made in it last.
    prefix: [u8; 28],
}

impl LaneSlot {
    /// Whether this commitment was made in it last, revealed or not.
    #[must_use]
    pub fn is_of(&self, commitment: B256) -> bool {
        commitment.0[..28] == self.prefix
    }

    /// Whether it holds this commitment.
    #[must_use]
    pub fn holds(&self, commitment: B256) -> bool {
        self.committed_at.is_some() && self.is_of(commitment)
    }

    /// Whether this commitment was revealed in it.
    #[must_use]
    pub fn consumed(&self, commitment: B256) -> bool {
        self.committed_at.is_none() && self.is_of(commitment)
    }
}

impl From<B256> for LaneSlot {
    fn from(slot: B256) -> Self {
        let mut prefix = [0; 28];
        prefix.copy_from_slice(&slot.0[..28]);
        let [.., a, b, c, d] = slot.0;
        let block = u64::from(u32::from_be_bytes([a, b, c, d]));
        Self { open: !slot.is_zero(), committed_at: (block != 0).then_some(block), prefix }
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

/// A node, asked about one settlement contract; and the private one, which is only given reveals.
#[derive(Clone, Debug)]
pub struct Node {
    chain: Chain,
    relay: Option<Relay>,
}

impl Node {
    /// Wraps a chain.
    #[must_use]
    pub const fn new(chain: Chain) -> Self {
        Self { chain, relay: None }
    }

    /// The same, with a private node that is given reveals first.
    #[must_use]
    pub fn revealing_through(self, relay: Relay) -> Self {
        Self { relay: Some(relay), ..self }
    }

    /// Whether there is a private node.
    #[must_use]
    pub const fn has_relay(&self) -> bool {
        self.relay.is_some()
    }

    /// Whether the node's chain is the configured one.
    ///
    /// # Errors
    /// [`ChainError::WrongChain`] if not, or those of any request.
    pub async fn check_id(&self) -> Result<(), ChainError> {
        self.chain.check_id().await
    }

    /// The chain's id and our contract.
    #[must_use]
    pub const fn domain(&self) -> &SigningDomain {
        self.chain.domain()
    }

    /// Our contract.
    #[must_use]
    pub const fn settlement(&self) -> Address {
        self.chain.settlement()
    }

    /// The newest block.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn head(&self) -> Result<Head, ChainError> {
        let block = self.chain.block_latest().await?;
        let base_fee = u128::from(block.base_fee_per_gas);
        Ok(Head { block: block.at, timestamp_s: block.timestamp, base_fee })
    }

    /// What others tip now, wei per gas.
    pub(crate) async fn tip(&self) -> Result<u128, ChainError> {
        Ok(self.chain.fees().await?.priority_fee_per_gas)
    }

    /// Mined transactions of an account.
    pub(crate) async fn nonce(&self, account: Address) -> Result<u64, ChainError> {
        self.chain.nonce_latest(account).await
    }

    /// Mined and pending transactions of an account.
    pub(crate) async fn pending_nonce(&self, account: Address) -> Result<u64, ChainError> {
        self.chain.nonce_pending(account).await
    }

    /// Wei of an account.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn balance(&self, account: Address) -> Result<U256, ChainError> {
        self.chain.balance_of(account).await
    }

    /// Whether the block is on the node's chain now.
    pub(crate) async fn is_canonical(&self, block: BlockRef) -> Result<bool, ChainError> {
        self.chain.is_canonical(block).await
    }

    /// The receipt of a transaction in a canonical block.
    pub(crate) async fn receipt(&self, tx: B256) -> Result<Option<Receipt>, ChainError> {
        let Some(receipt) = self.chain.receipt(tx).await? else { return Ok(None) };
        let (Some(number), Some(hash)) = (receipt.block_number, receipt.block_hash) else {
            return Ok(None);
        };
        let logs = receipt.logs().iter().map(|log| log.inner.clone()).collect();
        Ok(Some(Receipt {
            succeeded: receipt.status(),
            block: BlockRef { number, hash },
            index: receipt.transaction_index.unwrap_or_default(),
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
        let slot = self.chain.view(self.settlement(), &call, BlockId::latest()).await?;
        Ok(slot.into())
    }

    /// A lane's slot after the block with this hash; `None` if the node does not have its state
    /// (any more).
    pub(crate) async fn lane_after(
        &self,
        settler: Address,
        lane: u64,
        block: B256,
    ) -> Result<Option<LaneSlot>, ChainError> {
        let call = abi::lanesCall { settler, lane: U256::from(lane) };
        match self.chain.view(self.settlement(), &call, BlockId::hash(block)).await {
            Ok(slot) => Ok(Some(slot.into())),
            Err(ChainError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Blocks for which a commitment can be revealed.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn max_delay(&self) -> Result<u64, ChainError> {
        let call = abi::MAX_DELAYCall {};
        Ok(self.chain.view(self.settlement(), &call, BlockId::latest()).await?.into())
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
        match self.chain.estimate_gas(commitment.settler, self.settlement(), data).await {
            Ok(_) => Ok(false),
            Err(ChainError::Reverted { data, .. }) => Ok(!passes(&data)),
            Err(error) => Err(error),
        }
    }

    /// Gives the node a signed transaction.
    pub(crate) async fn send(&self, raw: &[u8]) -> Result<Sent, SendError> {
        self.chain.send_raw(raw).await.map(|_| Sent::Accepted).or_else(sent)
    }

    /// Gives it to the private node; `None` if there is none.
    pub(crate) async fn send_privately(&self, raw: &[u8]) -> Option<Result<Sent, SendError>> {
        let relay = self.relay.as_ref()?;
        Some(relay.send_raw(raw).await.map(|_| Sent::Accepted).or_else(sent))
    }
}

/// An answer that is no acceptance, and still one.
fn sent(error: SendError) -> Result<Sent, SendError> {
    match error {
        SendError::AlreadyKnown => Ok(Sent::Known),
        SendError::NonceTooLow => Ok(Sent::NonceTooLow),
        SendError::Underpriced => Ok(Sent::Underpriced),
        SendError::InsufficientFunds => Ok(Sent::NoFunds),
        SendError::Rejected(_) | SendError::Chain(_) => Err(error),
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
        let at = |text: &str| (slot(text).open, slot(text).committed_at);
        assert_eq!(at(&"00".repeat(32)), (false, None));
        assert_eq!(at(&format!("{}0100000000", "00".repeat(27))), (true, None));
        let live = format!("{}0000002a", "c0".repeat(28));
        assert_eq!(at(&live), (true, Some(42)));
        let commitment = B256::repeat_byte(0xc0);
        assert!(slot(&live).holds(commitment) && !slot(&live).consumed(commitment));
        let consumed = slot(&format!("{}00000000", "c0".repeat(28)));
        assert!(consumed.consumed(commitment) && !consumed.holds(commitment));
        assert!(!consumed.consumed(B256::repeat_byte(0xc1)));
    }
}

//! Blocks and receipts: what is evidence and what is no longer canonical.

use alloy::{
    eips::BlockNumberOrTag, primitives::B256, providers::Provider as _,
    rpc::types::TransactionReceipt,
};
use domain::event::BlockRef;

use super::{Chain, ChainError};

/// A block's header, as far as we look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number and hash.
    pub at: BlockRef,
    /// Its parent's hash.
    pub parent: B256,
    /// Its time, Unix seconds.
    pub timestamp: u64,
    /// What a unit of gas cost at least in it, wei.
    pub base_fee_per_gas: u64,
    /// The gas it can hold.
    pub gas_limit: u64,
}

impl From<alloy::rpc::types::Block> for Block {
    fn from(block: alloy::rpc::types::Block) -> Self {
        let header = block.header;
        Self {
            at: BlockRef { number: header.number, hash: header.hash },
            parent: header.parent_hash,
            timestamp: header.timestamp,
            base_fee_per_gas: header.base_fee_per_gas.unwrap_or_default(),
            gas_limit: header.gas_limit,
        }
    }
}

impl Chain {
    /// The newest block.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn block_latest(&self) -> Result<Block, ChainError> {
        self.block_by(BlockNumberOrTag::Latest)
            .await?
            .ok_or(ChainError::BadAnswer("the latest block"))
    }

    /// The canonical block of that number; `None` if the chain is not so long (any more).
    ///
    /// # Errors
    /// Those of any request.
    pub async fn block_by_number(&self, number: u64) -> Result<Option<Block>, ChainError> {
        self.block_by(BlockNumberOrTag::Number(number)).await
    }

    async fn block_by(&self, which: BlockNumberOrTag) -> Result<Option<Block>, ChainError> {
        let block = self
            .ask("eth_getBlockByNumber", async { self.provider.get_block_by_number(which).await })
            .await?;
        Ok(block.map(Block::from))
    }

    /// The block of that hash, canonical or not; `None` if the node does not have it.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn block_by_hash(&self, hash: B256) -> Result<Option<Block>, ChainError> {
        let block = self
            .ask("eth_getBlockByHash", async { self.provider.get_block_by_hash(hash).await })
            .await?;
        Ok(block.map(Block::from))
    }

    /// Whether the block is on the node's chain now.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn is_canonical(&self, block: BlockRef) -> Result<bool, ChainError> {
        Ok(self.block_by_number(block.number).await?.is_some_and(|found| found.at == block))
    }

    /// The receipt of a mined transaction; `None` while it is not in a canonical block.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn receipt(&self, tx: B256) -> Result<Option<TransactionReceipt>, ChainError> {
        self.ask("eth_getTransactionReceipt", async {
            self.provider.get_transaction_receipt(tx).await
        })
        .await
    }
}

//! Transactions that were mined, read back: for whoever checks what was done.

use alloy::{
    consensus::Transaction as _,
    primitives::{Address, B256, Bytes},
    providers::Provider as _,
};

use super::{Chain, ChainError};

/// A mined transaction as the call it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinedCall {
    /// Who signed it.
    pub from: Address,
    /// Whom it calls; `None` if it creates a contract.
    pub to: Option<Address>,
    /// Its calldata.
    pub input: Bytes,
    /// The number of its block.
    pub block: u64,
}

impl Chain {
    /// The call that a transaction makes; `None` while it is in no block.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn mined_call(&self, tx: B256) -> Result<Option<MinedCall>, ChainError> {
        let found = self.ask("eth_getTransactionByHash", async {
            self.provider.get_transaction_by_hash(tx).await
        });
        let Some(found) = found.await? else { return Ok(None) };
        let Some(block) = found.block_number else { return Ok(None) };
        Ok(Some(MinedCall {
            from: found.inner.signer(),
            to: found.to(),
            input: found.input().clone(),
            block,
        }))
    }
}

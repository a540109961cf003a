//! How much of an intent its owner can pay.

use std::{sync::Arc, time::Duration};

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
};
use domain::{Amount, IntentId};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::{Chain, ChainError, abi};
use crate::batch::{self, BatchError, Batcher, Bounds};

/// Chunks of one question asked at once.
const CHUNKS_AT_ONCE: usize = 4;

/// The bounds [`funds_lookup`] is meant to be used with.
pub const FUNDS_BOUNDS: Bounds =
    Bounds { queue: 4_096, size: 256, wait: Duration::from_millis(5), flights: 4 };

/// What is asked about one intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundQuery {
    /// The intent's digest.
    pub id: IntentId,
    /// Who pays.
    pub owner: Address,
    /// In which token.
    pub token: Address,
    /// The intent's nonce.
    pub nonce: U256,
}

/// What the chain answers. Everything is zero for a token that does not behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// The owner's balance of the sell token.
    pub balance: Amount,
    /// What Settlement may take of it.
    pub allowance: Amount,
    /// What is filled of the intent already, in the unit of the exact side.
    pub filled: Amount,
    /// Whether the nonce's bit is set.
    pub nonce_used: bool,
}

impl Funds {
    /// The most that can be taken now: the lesser of balance and allowance; nothing once the
    /// nonce is used.
    #[must_use]
    pub fn payable(&self) -> Amount {
        if self.nonce_used { Amount::ZERO } else { self.balance.min(self.allowance) }
    }
}

impl Chain {
    /// Asks about many intents on the state after `at`; the answers are in the queries' order.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn fundable(
        &self,
        queries: &[FundQuery],
        at: BlockId,
    ) -> Result<Vec<Funds>, ChainError> {
        let asked: Vec<_> =
            queries.chunks(self.chunk).map(|chunk| self.fundable_chunk(chunk, at)).collect();
        let chunks: Vec<Vec<Funds>> =
            stream::iter(asked).buffered(CHUNKS_AT_ONCE).try_collect().await?;
        Ok(chunks.into_iter().flatten().collect())
    }

    async fn fundable_chunk(
        &self,
        chunk: &[FundQuery],
        at: BlockId,
    ) -> Result<Vec<Funds>, ChainError> {
        let queries = chunk
            .iter()
            .map(|query| abi::Query {
                digest: query.id.get(),
                owner: query.owner,
                token: query.token,
                nonce: query.nonce,
            })
            .collect();
        let call = abi::fundableCall { queries };
        let answers = self.view(self.settlement(), &call, at).await?;
        if answers.len() != chunk.len() {
            return Err(ChainError::BadAnswer("fundable"));
        }
        Ok(answers.into_iter().map(Funds::from).collect())
    }
}

impl From<abi::Funds> for Funds {
    fn from(funds: abi::Funds) -> Self {
        Self {
            balance: Amount::new(funds.balance),
            allowance: Amount::new(funds.allowance),
            filled: Amount::new(funds.filled),
            nonce_used: funds.nonceUsed,
        }
    }
}

/// Looks up one intent at a time on the newest state; concurrent lookups share a request.
#[derive(Clone, Debug)]
pub struct FundsLookup(Batcher<FundQuery, Result<Funds, ChainError>>);

impl FundsLookup {
    /// What the owner can pay now. The outer error is the queue's, the inner one the node's.
    ///
    /// # Errors
    /// [`BatchError`].
    pub async fn funds(&self, query: FundQuery) -> Result<Result<Funds, ChainError>, BatchError> {
        self.0.submit(query).await
    }
}

/// The lookup and its worker, which must be run until it returns.
pub fn funds_lookup(
    chain: Chain,
    bounds: Bounds,
    stop: CancellationToken,
) -> (FundsLookup, impl Future<Output = ()> + Send + 'static) {
    let chain = Arc::new(chain);
    let (batcher, worker) =
        batch::batcher("funds", bounds, stop, move |queries: Vec<FundQuery>| {
            let chain = Arc::clone(&chain);
            async move {
                match chain.fundable(&queries, BlockId::latest()).await {
                    Ok(funds) => funds.into_iter().map(Ok).collect(),
                    Err(error) => queries.iter().map(|_| Err(error.clone())).collect(),
                }
            }
        });
    (FundsLookup(batcher), worker)
}

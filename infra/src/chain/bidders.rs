//! What the contract says of many bidders at one block: recorded with the
//! block, so that anybody can ask again.

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, U256},
    providers::Provider as _,
    rpc::{client::BatchRequest, types::TransactionRequest},
    transports::TransportResult,
};
use alloy_sol_types::{SolCall, SolError as _};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Chain, ChainError, SolverFunds, Standing, abi, stakes};

/// Calls in one request: public nodes refuse batches of more than a hundred.
const BATCH: usize = 100;
/// Such requests at once.
const BATCHES_AT_ONCE: usize = 8;

/// Who bids: a key, the solver it says it signs for, and the filler it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bidder {
    /// The key that signed.
    pub key: Address,
    /// The solver's account.
    pub solver: Address,
    /// The filler's contract.
    pub filler: Address,
}

/// What the contract says, in the order in which it was asked.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Of each bidder.
    pub standings: Vec<Standing>,
    /// Of each solver.
    pub funds: Vec<SolverFunds>,
    /// Of each word.
    pub words: Vec<U256>,
}

/// A word of a solver's bitmap of bid nonces: 256 nonces, `nonce >> 8` is the word's number.
pub type NonceWord = (Address, U256);

impl Chain {
    /// Asks about `bidders`, `solvers` and `words` on the state after `at`, in requests of a hundred
    /// calls each.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn bidders(
        &self,
        bidders: &[Bidder],
        solvers: &[Address],
        words: &[NonceWord],
        at: BlockId,
    ) -> Result<Answers, ChainError> {
        let mut calls = Vec::with_capacity(bidders.len() * 2 + solvers.len() + words.len());
        for Bidder { key, solver, filler } in bidders.iter().copied() {
            calls.push(abi::authoriseCall { key, solver, filler }.abi_encode());
            calls.push(abi::solverOfFillerCall { filler }.abi_encode());
        }
        calls
            .extend(solvers.iter().map(|solver| abi::fundsOfCall { solver: *solver }.abi_encode()));
        for (solver, word) in words.iter().copied() {
            calls.push(abi::bidNoncesCall { solver, word }.abi_encode());
        }
        let answers = self.views(calls, at).await?;
        let (pairs, answers) = answers.split_at(bidders.len() * 2);
        let (funds, bitmaps) = answers.split_at(solvers.len());
        Ok(Answers {
            standings: pairs.chunks_exact(2).map(standing).collect::<Result<_, _>>()?,
            funds: funds.iter().map(stakes::read).collect::<Result<_, _>>()?,
            words: bitmaps.iter().map(word).collect::<Result<_, _>>()?,
        })
    }

    /// How a solver's account stands and what the contract holds for it, on the newest state: one
    /// request, and nothing is remembered, for anybody may ask about anybody.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn solver(&self, solver: Address) -> Result<(Standing, SolverFunds), ChainError> {
        // an account signs for itself, and nobody binds the zero address
        let own = Bidder { key: solver, solver, filler: Address::ZERO };
        let answers = self.bidders(&[own], &[solver], &[], BlockId::latest()).await?;
        match (&answers.standings[..], &answers.funds[..]) {
            (&[standing], &[funds]) => Ok((standing, funds)),
            _ => Err(ChainError::BadAnswer("authorise")),
        }
    }

    /// Calls of view functions, many in one request; the answers are in their order.
    async fn views(&self, calls: Vec<Vec<u8>>, at: BlockId) -> Result<Vec<Bytes>, ChainError> {
        let asked: Vec<_> = calls.chunks(BATCH).map(|calls| self.batch(calls, at)).collect();
        let answers: Vec<Vec<Bytes>> =
            stream::iter(asked).buffered(BATCHES_AT_ONCE).try_collect().await?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn batch(&self, calls: &[Vec<u8>], at: BlockId) -> Result<Vec<Bytes>, ChainError> {
        let client = self.provider.client();
        let answers = self.ask("eth_call batch", async {
            let mut batch = BatchRequest::new(client);
            let mut waiting = Vec::with_capacity(calls.len());
            for data in calls {
                let request = TransactionRequest::default().to(self.settlement());
                let request = request.input(data.clone().into());
                waiting.push(batch.add_call::<_, Bytes>("eth_call", &(request, at))?);
            }
            batch.send().await?;
            let mut answers = Vec::with_capacity(calls.len());
            for answer in waiting {
                answers.push(answer.await?);
            }
            TransportResult::Ok(answers)
        });
        answers.await
    }
}

/// What `authorise` and `solverOfFiller` say together.
fn standing(answers: &[Bytes]) -> Result<Standing, ChainError> {
    let bad = || ChainError::BadAnswer("authorise");
    let [reason, bound_to] = answers else { return Err(bad()) };
    let reason = abi::authoriseCall::abi_decode_returns(reason).map_err(|_| bad())?;
    let bound_to = abi::solverOfFillerCall::abi_decode_returns(bound_to)
        .map_err(|_| ChainError::BadAnswer("solverOfFiller"))?;
    Ok(match reason.0 {
        [0, 0, 0, 0] => Standing::Authorised,
        abi::UnknownKey::SELECTOR | abi::KeyRemoved::SELECTOR => Standing::UnknownKey,
        abi::SolverPaused::SELECTOR => Standing::Paused,
        abi::FillerNotBound::SELECTOR if bound_to.is_zero() => Standing::FillerUnbound,
        abi::FillerNotBound::SELECTOR => Standing::FillerForeign(bound_to),
        _ => return Err(bad()),
    })
}

fn word(bits: &Bytes) -> Result<U256, ChainError> {
    abi::bidNoncesCall::abi_decode_returns(bits).map_err(|_| ChainError::BadAnswer("bidNonces"))
}

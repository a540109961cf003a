//! Who the solver is, and what it needs to bid.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256};
use domain::{
    Amount, Bid, IntentId,
    bid::{End, Leg, Terms},
    eip712::SigningDomain,
    gas,
    intent::FieldErrors,
};
use infra::{
    chain::{Chain, FundQuery},
    config::ChainConfig,
};

use super::{SolverConfig, SolverError, ledger::Ledger};
use crate::{
    client::Client,
    strategy::{Market, Plan},
    wire::{BidSubmission, ChainInfo},
};

/// Gas of a bid's frame, besides what its parts add.
const GAS_PER_BID: u64 = 20_000;
/// Gas of an intent in it: its signature, its nonce's first use.
const GAS_PER_INTENT: u64 = 45_000;
/// Gas of a transfer to an account that never held the token.
const GAS_PER_LEG: u64 = 45_000;

/// The solver's identity, connections and accounts.
pub(super) struct Desk {
    pub(super) config: SolverConfig,
    pub(super) client: Client,
    pub(super) info: ChainInfo,
    pub(super) domain: SigningDomain,
    solver: Address,
    chain: Chain,
    nonces: Nonces,
    ledger: Mutex<Ledger>,
}

impl Desk {
    /// Asks the API what it serves and the registry who this solver is.
    pub(super) async fn open(config: SolverConfig, client: Client) -> Result<Self, SolverError> {
        let info = client.chain().await?;
        let chain = Chain::connect(&ChainConfig {
            rpc_url: config.rpc.clone(),
            chain_id: info.chain_id,
            settlement: info.settlement,
            ..ChainConfig::default()
        })?;
        chain.check_id().await?;
        let (key, filler) = (config.key.address(), config.filler);
        let solver = chain.solver_of_filler(filler).await?;
        let solver = solver.ok_or(SolverError::FillerUnbound(filler))?;
        if chain.solver_of_key(key).await? != Some(solver) {
            return Err(SolverError::ForeignKey { key, solver, filler });
        }
        tracing::info!(chain = info.chain_id, %solver, %filler, "ready to bid");
        let (domain, ledger) = (info.signing_domain(), Mutex::default());
        Ok(Self { config, client, info, domain, solver, chain, nonces: Nonces::new(), ledger })
    }

    /// What the filler owes. Never held across an await.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the filler can pay of each token, less what is spoken for.
    pub(super) async fn funds(
        &self,
        tokens: &BTreeSet<Address>,
        now_s: u64,
    ) -> Result<BTreeMap<Address, Amount>, SolverError> {
        let (id, owner, nonce) = (IntentId::new(B256::ZERO), self.config.filler, U256::ZERO);
        let query = |token: &Address| FundQuery { id, owner, token: *token, nonce };
        let queries: Vec<_> = tokens.iter().map(query).collect();
        let funds = self.chain.fundable(&queries, BlockId::latest()).await?;
        let reserved = self.ledger().reserved(now_s);
        let free = |(token, amount): (&Address, Amount)| {
            let spoken_for = reserved.get(token).copied().unwrap_or_default();
            (*token, amount.saturating_sub(spoken_for))
        };
        let amounts = funds.iter().map(|funds| funds.balance.min(funds.allowance));
        Ok(tokens.iter().zip(amounts).map(free).collect())
    }

    /// Signs a plan as a bid of its own: a fresh nonce, salt and reference.
    pub(super) fn sign(
        &self,
        market: &Market,
        plan: &Plan,
        valid_until: u32,
    ) -> Result<BidSubmission, SignError> {
        let [intents, legs] = [plan.intents.len() as u64, plan.legs.len() as u64];
        let frame = GAS_PER_BID + GAS_PER_INTENT * intents + GAS_PER_LEG * legs;
        let gas = gas::overhead(intents, legs, 0) + frame;
        let penalty = market.least_penalty(sold(market, plan));
        let terms = Terms {
            auction_id: market.auction_id,
            solver: self.solver,
            filler: self.config.filler,
            gas: u32::try_from(gas).unwrap_or(u32::MAX),
            callback_gas: 0,
            penalty: u128::try_from(penalty.get()).unwrap_or(u128::MAX),
            valid_until,
            nonce: self.nonces.next(),
            salt: random_word()?,
            client_bid_id: random_word()?,
        };
        let bid = Bid::new(terms, plan.legs.clone(), Bytes::new())?;
        Ok(BidSubmission::sign(bid, &self.config.key, &self.domain))
    }
}

/// Why a plan did not become a bid.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignError {
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    #[error("malformed: {0}")]
    Malformed(#[from] FieldErrors),
}

/// What the intents of a plan sell.
fn sold<'a>(market: &'a Market, plan: &'a Plan) -> impl Iterator<Item = (Address, Amount)> {
    let from_intent = |leg: &Leg| match leg.from {
        End::Intent(id) => Some((id, leg.amount)),
        End::Filler => None,
    };
    let legs = plan.legs.iter().filter_map(from_intent);
    legs.filter_map(|(id, amount)| {
        let candidate = market.candidates.iter().find(|candidate| candidate.id == id)?;
        Some((candidate.pair().sell, amount))
    })
}

fn random_word() -> Result<B256, getrandom::Error> {
    let mut word = B256::ZERO;
    getrandom::fill(word.as_mut_slice())?;
    Ok(word)
}

/// Bid nonces, counted up from a word of the bitmap that no earlier life of this solver reached:
/// the microseconds at its start. Neighbours share a word on chain, which makes all but
/// the first cheaper than random ones.
struct Nonces {
    word: U256,
    next: AtomicU64,
}

impl Nonces {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { word: U256::from(since.as_micros()) << 8, next: AtomicU64::new(0) }
    }

    fn next(&self) -> Amount {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        Amount::new(self.word + U256::from(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_count_up_within_a_word() {
        let nonces = Nonces::new();
        let (first, second) = (nonces.next().get(), nonces.next().get());
        assert_eq!(second, first + U256::from(1));
        assert_eq!(first & U256::from(255), U256::ZERO);
        assert_eq!(first >> 8, second >> 8);
        assert!(first >> 8 > U256::from(1_700_000_000_000_000u64));
    }
}

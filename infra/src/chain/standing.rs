//! What the registry says of a solver, its key and its filler.

use alloy::{eips::BlockId, primitives::Address};
use alloy_sol_types::SolError;

use super::{Chain, ChainError, abi, cache::TtlCache};

pub(super) type Cache = TtlCache<(Address, Address, Address), Standing>;

/// Whether a key may bid for a solver with a filler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Authorised,
    /// The key does not sign for this solver: unknown, or another's.
    UnknownKey,
    /// The operator has paused the solver.
    Paused,
    /// The filler has bound itself to nobody.
    FillerUnbound,
    /// The filler has bound itself to this other solver.
    FillerForeign(Address),
}

/// What the registry knows about one solver's key and filler; for views, not for decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolverStanding {
    /// The solver the key signs for.
    pub key_of: Option<Address>,
    /// The solver the filler is bound to.
    pub filler_of: Option<Address>,
    /// Whether the solver's own account is registered.
    pub registered: bool,
    /// Whether the solver is paused.
    pub paused: bool,
}

impl Chain {
    /// Whether `key` may bid for `solver` with `filler`, on the newest state or as it was at
    /// most `standing_ttl_ms` ago. One request for a bid in order, none if it is remembered.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn standing(
        &self,
        key: Address,
        solver: Address,
        filler: Address,
    ) -> Result<Standing, ChainError> {
        let triple = (key, solver, filler);
        if let Some(standing) = self.standing.get(&triple) {
            return Ok(standing);
        }
        let call = abi::authoriseCall { key, solver, filler };
        let reason = self.view(self.settlement(), &call, BlockId::latest()).await?;
        let standing = match reason.0 {
            [0, 0, 0, 0] => Standing::Authorised,
            abi::UnknownKey::SELECTOR | abi::KeyRemoved::SELECTOR => Standing::UnknownKey,
            abi::SolverPaused::SELECTOR => Standing::Paused,
            abi::FillerNotBound::SELECTOR => match self.solver_of_filler(filler).await? {
                Some(other) => Standing::FillerForeign(other),
                None => Standing::FillerUnbound,
            },
            _ => return Err(ChainError::BadAnswer("authorise")),
        };
        self.standing.put(triple, standing);
        Ok(standing)
    }

    /// The solver that `key` signs for.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn solver_of_key(&self, key: Address) -> Result<Option<Address>, ChainError> {
        let call = abi::solverOfKeyCall { key };
        Ok(some(self.view(self.settlement(), &call, BlockId::latest()).await?))
    }

    /// The solver that `filler` is bound to.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn solver_of_filler(&self, filler: Address) -> Result<Option<Address>, ChainError> {
        let call = abi::solverOfFillerCall { filler };
        Ok(some(self.view(self.settlement(), &call, BlockId::latest()).await?))
    }

    /// Whether the solver is paused, on the state after `at`.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn is_paused(&self, solver: Address, at: BlockId) -> Result<bool, ChainError> {
        self.view(self.settlement(), &abi::isPausedCall { solver }, at).await
    }

    /// All the registry knows about the three, not remembered.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn solver_standing(
        &self,
        key: Address,
        solver: Address,
        filler: Address,
    ) -> Result<SolverStanding, ChainError> {
        let (key_of, filler_of, own, paused) = tokio::try_join!(
            self.solver_of_key(key),
            self.solver_of_filler(filler),
            self.solver_of_key(solver),
            self.is_paused(solver, BlockId::latest()),
        )?;
        Ok(SolverStanding { key_of, filler_of, registered: own == Some(solver), paused })
    }

    /// Blocks for which a commitment stays live.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn max_delay(&self) -> Result<u32, ChainError> {
        self.view(self.settlement(), &abi::MAX_DELAYCall {}, BlockId::latest()).await
    }
}

fn some(account: Address) -> Option<Address> {
    (!account.is_zero()).then_some(account)
}

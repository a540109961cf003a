//! `/v1/solvers/{address}`: how a solver stands.

use alloy_primitives::Address;
use domain::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `GET /v1/solvers/{address}`: what the contract holds for a solver, and what it did. Amounts are
/// wei. What its bids in flight tie down of them is not public: they are sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SolverView {
    /// Its account.
    #[serde(with = "domain::eip55")]
    #[schema(value_type = String)]
    pub solver: Address,
    /// Whether it is registered; of nobody else is there anything to tell.
    pub registered: bool,
    /// Whether it is paused: its bids are refused, and fail on chain.
    pub paused: bool,
    /// Its bond, which answers for penalties, less what it has asked back.
    pub bond: Amount,
    /// What of its bond it has asked back and not withdrawn yet.
    pub bond_leaving: Amount,
    /// Its deposit for gas, less what it has asked back.
    pub deposit: Amount,
    /// What of its deposit it has asked back and not withdrawn yet.
    pub deposit_leaving: Amount,
    /// How many of its bids cost it a penalty.
    pub penalties: u64,
    /// What they cost it in all.
    pub penalised: Amount,
    /// How many of its winning bids of published auctions were dropped because they did not settle,
    /// by its own fault, when they were run before publishing.
    pub simulation_drops: u64,
}

//! The numbers an auction is held under. They are part of its opening record.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CutError;
use crate::{Amount, Intent};

/// One in basis points.
pub const BPS: u32 = 10_000;

/// Atoms that a price is quoted for.
pub(super) const PRICED_ATOMS: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Nodes a decision may visit at most, whatever its parameters say: whoever repeats it wants an end.
pub const MAX_NODES: u64 = 1_000_000;

/// The type string of the parameters; its hash is the first word of what [`Params::hash`] hashes.
pub const TYPE: &str = "Params(uint32 surplusCapBps,uint32 minFillBps,uint64 gasBudget,uint64 byteBudget,uint32 maxWinners,uint64 nodeBudget,uint32 maxIntents,uint32 maxBids,uint32 confirmations,uint32 maxDelayBlocks,uint32 secondsPerBlock,uint256 penaltyFloor,uint32 penaltyBps,address nativeToken)";

/// Parameters of an auction, fixed at its opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// How far from the reference price surplus counts, on both sides of it, in basis points.
    /// 10000 switches the lower side off.
    pub surplus_cap_bps: u32,
    /// The least share of an intent that a partial fill takes, in basis points, unless it takes the rest.
    pub min_fill_bps: u32,
    /// Gas one batch may take, at most the chain's cap for one transaction.
    pub gas_budget: u64,
    /// Bytes one batch may take: nodes refuse longer transactions.
    pub byte_budget: u64,
    /// Bids one batch may hold; the format ends at 255.
    pub max_winners: u32,
    /// Nodes the winner determination may visit before it takes the best set found. Where more
    /// than a hundred bids hang together a node counts for every started hundred of them, and for
    /// every started 25, and at least half of them all, where the search without the whole batch's
    /// gas, bytes and places came to more than those allow. At most [`MAX_NODES`].
    pub node_budget: u64,
    /// Intents cut into one auction.
    pub max_intents: u32,
    /// Bids taken by one auction.
    pub max_bids: u32,
    /// Blocks waited for on a commitment before it is revealed.
    pub confirmations: u32,
    /// Blocks a commitment stays live.
    pub max_delay_blocks: u32,
    /// The chain's block time, in seconds, rounded up.
    pub seconds_per_block: u32,
    /// What a bid that fails by its solver's fault owes at least, in wei.
    pub penalty_floor: Amount,
    /// What it owes at least of the reference value of what its intents sell, in basis points.
    pub penalty_bps: u32,
    /// The token whose reference price stands for the chain's own coin; zero if the numéraire is that
    /// coin, or wei have no price and the floor is all that is owed.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub native_token: Address,
}

impl Default for Params {
    /// Sensible for a chain with blocks of 12 seconds or less and a cap of 2^24 gas for one transaction.
    fn default() -> Self {
        Self {
            surplus_cap_bps: 500,
            min_fill_bps: 100,
            gas_budget: 16_000_000,
            byte_budget: 96 * 1024,
            max_winners: 255,
            node_budget: 300,
            max_intents: 1_000,
            max_bids: 10_000,
            confirmations: 1,
            max_delay_blocks: 20,
            seconds_per_block: 12,
            penalty_floor: Amount::ZERO,
            penalty_bps: 0,
            native_token: Address::ZERO,
        }
    }
}

impl Params {
    /// `keccak256(abi.encode(keccak256(TYPE), every field in the order of TYPE))`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let words = [
            U256::from(self.surplus_cap_bps),
            U256::from(self.min_fill_bps),
            U256::from(self.gas_budget),
            U256::from(self.byte_budget),
            U256::from(self.max_winners),
            U256::from(self.node_budget),
            U256::from(self.max_intents),
            U256::from(self.max_bids),
            U256::from(self.confirmations),
            U256::from(self.max_delay_blocks),
            U256::from(self.seconds_per_block),
            self.penalty_floor.get(),
            U256::from(self.penalty_bps),
            self.native_token.into_word().into(),
        ];
        keccak256((keccak256(TYPE), words).abi_encode())
    }

    /// What 10^18 wei are worth, in numéraire atoms: what `native_token` is, or as many where the numéraire
    /// is wei. `None` if the token has no price.
    #[must_use]
    pub fn native(&self, price: impl Fn(Address) -> Option<U256>) -> Option<U256> {
        let token = self.native_token;
        if token.is_zero() { Some(PRICED_ATOMS) } else { price(token) }
    }

    /// The least penalty of a bid whose intents sell these amounts, each with the reference price of its
    /// token: the floor, or the share of their value if that is more; in wei. What has no price
    /// counts for nothing. `native` is [`Params::native`].
    #[must_use]
    pub fn least_penalty(
        &self,
        native: Option<U256>,
        sold: impl Iterator<Item = (Option<U256>, Amount)>,
    ) -> Amount {
        let Some(native) = native.filter(|_| self.penalty_bps > 0) else {
            return self.penalty_floor;
        };
        let value = |(price, sold): (Option<U256>, Amount)| {
            let value = sold.mul_div_ceil(price?, PRICED_ATOMS);
            Some(value.unwrap_or(Amount::MAX))
        };
        let sum = |sum: Amount, value| sum.checked_add(value).unwrap_or(Amount::MAX);
        let value = sold.filter_map(value).fold(Amount::ZERO, sum);
        let share = value.mul_div_ceil(U256::from(self.penalty_bps), U256::from(BPS));
        let wei = share.and_then(|share| share.mul_div_ceil(PRICED_ATOMS, native));
        self.penalty_floor.max(wei.unwrap_or(Amount::MAX))
    }

    /// The first second in which a batch of an auction closing at `closes_at_ms` can settle:
    /// its commitment mined and confirmed, its reveal one block later. Unix time.
    #[must_use]
    pub fn earliest_settlement_s(&self, closes_at_ms: u64) -> u64 {
        self.after_close(closes_at_ms, u64::from(self.confirmations) + 1)
    }

    /// The last second in which such a batch may still settle. Unix time.
    #[must_use]
    pub fn latest_settlement_s(&self, closes_at_ms: u64) -> u64 {
        let blocks = u64::from(self.confirmations) + u64::from(self.max_delay_blocks);
        self.after_close(closes_at_ms, blocks)
    }

    /// Whether an intent may be cut: its `validTo` covers the latest settlement, so that no winner
    /// is lost to a deadline.
    #[must_use]
    pub fn admits(&self, intent: &Intent, closes_at_ms: u64) -> bool {
        u64::from(intent.valid_to()) >= self.latest_settlement_s(closes_at_ms)
    }

    /// Refuses parameters under which the rules make no sense.
    pub(super) fn validate(&self) -> Result<(), CutError> {
        let rules = [
            ("surplus_cap_bps", (1..=BPS).contains(&self.surplus_cap_bps)),
            ("min_fill_bps", self.min_fill_bps <= BPS),
            ("max_winners", (1..=255).contains(&self.max_winners)),
            ("node_budget", self.node_budget <= MAX_NODES),
            ("seconds_per_block", self.seconds_per_block <= 3_600),
            ("penalty_bps", self.penalty_bps <= BPS),
        ];
        match rules.iter().find(|(_, holds)| !holds) {
            None => Ok(()),
            Some((name, _)) => Err(CutError::Parameter(name)),
        }
    }

    fn after_close(&self, closes_at_ms: u64, blocks: u64) -> u64 {
        let wait = blocks.saturating_mul(u64::from(self.seconds_per_block));
        closes_at_ms.div_ceil(1_000).saturating_add(wait)
    }
}

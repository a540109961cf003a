//! Settings of the sources of reference prices.

use std::time::Duration;

use alloy::primitives::Address;
use domain::{Amount, price::Rule};
use serde::{Deserialize, Serialize};

use super::{Secret, TokenConfig};

/// The source that answers with what `[[tokens]]` says; a name no other source may have.
pub const CONFIGURED: &str = "configured";

/// `[prices]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PricesConfig {
    /// How many sources must agree on a token's price; with fewer it has none in that auction.
    /// 0 is more than half of the token's sources. A token may ask for another number.
    pub quorum: u32,
    /// An answer further than this from the median does not agree with it, basis points.
    pub max_spread_bps: u32,
    /// How far a price may be from the last auction's, basis points; a larger move is made in steps.
    /// 0 sets no bound. Does not hold for a token whose only source is its own setting.
    pub max_move_bps: u32,
    /// Prices over HTTP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<FeedConfig>,
    /// Uniswap V2 pairs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolConfig>,
}

impl Default for PricesConfig {
    fn default() -> Self {
        Self {
            quorum: 0,
            max_spread_bps: 2_000,
            max_move_bps: 1_000,
            feeds: Vec::new(),
            pools: Vec::new(),
        }
    }
}

impl PricesConfig {
    /// What the answers about a token must be like.
    #[must_use]
    pub fn rule(&self, token: &TokenConfig) -> Rule {
        // an operator who corrects a figure of his own means all of it, at once
        let own = token.sources.iter().all(|source| source == CONFIGURED);
        let majority = u32::try_from(token.sources.len() / 2 + 1).unwrap_or(u32::MAX);
        let quorum = match token.quorum.unwrap_or(self.quorum) {
            0 => majority,
            asked => asked,
        };
        Rule {
            quorum,
            max_spread_bps: self.max_spread_bps,
            max_move_bps: if own { 0 } else { self.max_move_bps },
        }
    }

    /// The pool of that name.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&PoolConfig> {
        self.pools.iter().find(|pool| pool.name == name)
    }
}

/// One of `[[prices.feeds]]`: a JSON document over HTTP that is read again and again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// What tokens call it.
    pub name: String,
    /// Where it is, http or https; a secret because providers put keys in it.
    pub url: Secret,
    /// The pause between two reads, milliseconds.
    #[serde(default = "feed::poll_ms")]
    pub poll_ms: u64,
    /// How long one read may take, milliseconds.
    #[serde(default = "feed::timeout_ms")]
    pub timeout_ms: u64,
    /// The largest document, bytes.
    #[serde(default = "feed::max_body_bytes")]
    pub max_body_bytes: usize,
    /// A price read or dated longer ago than this is stale, milliseconds.
    #[serde(default = "feed::max_age_ms")]
    pub max_age_ms: u64,
}

impl FeedConfig {
    /// [`Self::poll_ms`] as a duration.
    #[must_use]
    pub const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// [`Self::timeout_ms`] as a duration.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// One of `[[prices.pools]]`: a Uniswap V2 pair and its time-weighted price.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// What the token calls it.
    pub name: String,
    /// The pair's contract.
    pub pair: Address,
    /// Whose price it is.
    pub token: Address,
    /// The pair's other token: one of `[[tokens]]` without a pool among its sources.
    pub quote: Address,
    /// The time its price is averaged over, seconds: half an hour at least, but on a test chain.
    #[serde(default = "pool::window_s")]
    pub window_s: u64,
    /// With less of the other token in the pair it has no say, in atoms: what holding a pool at a wrong
    /// price costs grows with what is in it, and its owners may leave it at any time.
    #[serde(default)]
    pub min_quote_reserve: Amount,
    /// The pause between two looks at it, milliseconds.
    #[serde(default = "pool::poll_ms")]
    pub poll_ms: u64,
    /// A price read, or of a block, longer ago than this is stale, milliseconds.
    #[serde(default = "pool::max_age_ms")]
    pub max_age_ms: u64,
}

impl PoolConfig {
    /// [`Self::poll_ms`] as a duration.
    #[must_use]
    pub const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }
}

mod feed {
    pub(super) const fn poll_ms() -> u64 {
        2_000
    }
    pub(super) const fn timeout_ms() -> u64 {
        2_000
    }
    pub(super) const fn max_body_bytes() -> usize {
        1 << 20
    }
    pub(super) const fn max_age_ms() -> u64 {
        30_000
    }
}

mod pool {
    pub(super) const fn window_s() -> u64 {
        super::super::validate_prices::LEAST_WINDOW_S
    }
    pub(super) const fn poll_ms() -> u64 {
        12_000
    }
    pub(super) const fn max_age_ms() -> u64 {
        180_000
    }
}

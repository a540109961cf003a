//! From settings to the numbers an auction is held under.

use domain::auction::Params;
use infra::config::Config;

/// The parameters that go into the next opening record. `max_delay_blocks` is the contract's: how
/// long a commitment stays live.
pub(crate) fn params(config: &Config, max_delay_blocks: u32) -> Params {
    let auction = &config.auction;
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Params {
        surplus_cap_bps: auction.surplus_cap_bps,
        min_fill_bps: auction.min_fill_bps,
        gas_budget: auction.gas_budget,
        penalty_floor: auction.penalty_floor,
        penalty_bps: auction.penalty_bps,
        native_token: auction.native_token,
        node_budget: auction.node_budget,
        max_intents: small(auction.max_intents as u64),
        max_bids: auction.max_bids,
        confirmations: small(config.chain.confirmations),
        max_delay_blocks,
        seconds_per_block: small(config.chain.block_time_ms.div_ceil(1_000)),
        ..Params::default()
    }
}

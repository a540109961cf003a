//! What a type cannot say about a setting.

use super::Config;
use crate::pg::settlement::LONGEST;

/// One line per thing wrong, each beginning with its key.
pub(super) fn findings(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    let mut demand = |ok: bool, text: &str| {
        if !ok {
            found.push(text.to_owned());
        }
    };

    demand(!config.postgres.url.is_empty(), "postgres.url is missing");
    // three listeners keep one each
    demand(config.postgres.max_connections >= 8, "postgres.max_connections must be at least 8");
    demand(config.postgres.acquire_timeout_ms > 0, "postgres.acquire_timeout_ms must not be 0");
    demand(!config.redis.url.is_empty(), "redis.url is missing");
    demand(
        !config.redis.prefix.is_empty() && !config.redis.prefix.contains(['{', '}']),
        "redis.prefix must not be empty or hold braces",
    );
    demand(config.redis.timeout_ms > 0, "redis.timeout_ms must not be 0");
    demand(config.redis.events_kept >= 1_000, "redis.events_kept must be at least 1000");
    demand(
        config.redis.bids_kept_s.saturating_mul(1_000)
            > config.auction.window_ms.saturating_mul(2 * u64::from(LONGEST)),
        "redis.bids_kept_s must be longer than two of the longest windows, sixteen times auction.window_ms",
    );

    demand(!config.chain.rpc_url.is_empty(), "chain.rpc_url is missing");
    demand(config.chain.chain_id > 0, "chain.chain_id is missing");
    demand(i64::try_from(config.chain.chain_id).is_ok(), "chain.chain_id is too large");
    demand(!config.chain.settlement.is_zero(), "chain.settlement is missing");
    demand(config.chain.confirmations > 0, "chain.confirmations must be at least 1");
    demand(
        config.chain.finality_blocks >= config.chain.confirmations,
        "chain.finality_blocks must not be less than chain.confirmations",
    );
    demand(config.chain.rpc_timeout_ms > 0, "chain.rpc_timeout_ms must not be 0");
    demand(config.chain.rpc_concurrency > 0, "chain.rpc_concurrency must not be 0");
    demand(config.chain.fundable_chunk > 0, "chain.fundable_chunk must not be 0");
    demand(config.chain.logs_range > 0, "chain.logs_range must not be 0");

    demand(config.auction.window_ms >= 100, "auction.window_ms must be at least 100");
    demand(config.auction.max_intents > 0, "auction.max_intents must not be 0");
    demand(
        config.auction.node_budget <= domain::auction::MAX_NODES,
        "auction.node_budget must be at most 1000000",
    );
    demand(
        config.auction.simulation_rounds <= domain::auction::MAX_ROUNDS,
        "auction.simulation_rounds must be at most 32: nobody repeats more",
    );
    demand(config.auction.min_fill_bps <= 10_000, "auction.min_fill_bps must be at most 10000");
    demand(config.auction.penalty_bps <= 10_000, "auction.penalty_bps must be at most 10000");
    let native = config.auction.native_token;
    demand(
        native.is_zero() || config.tokens.iter().any(|token| token.address == native),
        "auction.native_token must be one of the tokens",
    );
    demand(
        config.api.max_body_bytes >= config.auction.max_bid_bytes,
        "api.max_body_bytes must not be less than auction.max_bid_bytes",
    );
    demand(config.api.record_permits > 0, "api.record_permits must not be 0");
    demand(config.api.intake_permits > 0, "api.intake_permits must not be 0");
    demand(config.settlement.lanes > 0, "settlement.lanes must not be 0");
    let relay = config.settlement.private_rpc_url.as_ref();
    demand(
        relay.is_none_or(|url| !url.is_empty()),
        "settlement.private_rpc_url must not be empty: leave it out",
    );
    demand(config.settlement.poll_ms > 0, "settlement.poll_ms must not be 0");
    demand(
        config.settlement.lease_ms >= config.chain.rpc_timeout_ms * 3,
        "settlement.lease_ms must be at least three times chain.rpc_timeout_ms",
    );
    demand(
        config.lease.renew_ms > 0 && config.lease.ttl_ms >= config.lease.renew_ms * 3,
        "lease.ttl_ms must be at least three times lease.renew_ms",
    );
    demand(
        config.lease.ttl_ms > config.postgres.acquire_timeout_ms,
        "lease.ttl_ms must be longer than postgres.acquire_timeout_ms",
    );

    for (index, token) in config.tokens.iter().enumerate() {
        let twice = config.tokens[..index].iter().any(|other| other.address == token.address);
        demand(!twice, &format!("tokens: {} is listed twice", token.address));
        demand(!token.address.is_zero(), &format!("tokens: {} has no address", token.symbol));
    }
    found.extend(super::validate_prices::findings(config));
    found
}

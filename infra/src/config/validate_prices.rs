//! What a type cannot say about the sources of prices.

use std::collections::BTreeSet;

use super::{CONFIGURED, Config, FeedConfig, PoolConfig, TokenConfig};

/// The shortest average of a pool: moving one for less time is cheap.
pub(super) const LEAST_WINDOW_S: u64 = 1_800;
/// Chains nobody trades on, where an average may be shorter.
const TEST_CHAINS: [u64; 2] = [1_337, 31_337];

/// One line per thing wrong, each beginning with its key.
pub(super) fn findings(config: &Config) -> Vec<String> {
    let prices = &config.prices;
    let mut found = Findings::default();
    found.demand(prices.max_spread_bps <= 10_000, "prices.max_spread_bps must be at most 10000");
    found.demand(prices.max_move_bps <= 10_000, "prices.max_move_bps must be at most 10000");

    let feeds = prices.feeds.iter().map(|feed| ("prices.feeds", feed.name.as_str()));
    let pools = prices.pools.iter().map(|pool| ("prices.pools", pool.name.as_str()));
    let mut names = BTreeSet::from([CONFIGURED]);
    for (key, name) in feeds.chain(pools) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let is_name = !name.is_empty() && name.chars().all(plain);
        found.of(key, name, is_name, "is no name: use a-z, 0-9, - and _");
        found.of(key, name, names.insert(name), "is the name of another source");
        let used = config.tokens.iter().any(|token| token.sources.iter().any(|used| used == name));
        found.of(key, name, used, "is not among the sources of any token");
    }
    prices.feeds.iter().for_each(|feed| found.feed(feed));
    prices.pools.iter().for_each(|pool| found.pool(config, pool));
    config.tokens.iter().for_each(|token| found.token(config, &names, token));
    found.0
}

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn demand(&mut self, ok: bool, text: &str) {
        if !ok {
            self.0.push(text.to_owned());
        }
    }

    fn of(&mut self, key: &str, name: &str, ok: bool, text: &str) {
        self.demand(ok, &format!("{key}: {name} {text}"));
    }

    fn feed(&mut self, feed: &FeedConfig) {
        let mut demand = |ok, text| self.of("prices.feeds", &feed.name, ok, text);
        let url = reqwest::Url::parse(feed.url.expose());
        let web = url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        demand(web, "needs a url over http or https");
        demand(feed.poll_ms >= 100, "needs a poll_ms of at least 100");
        demand(feed.timeout_ms > 0, "needs a timeout_ms that is not 0");
        demand(feed.max_body_bytes > 0, "needs a max_body_bytes that is not 0");
        let between = feed.poll_ms.saturating_add(feed.timeout_ms);
        demand(
            feed.max_age_ms >= between,
            "needs a max_age_ms not below poll_ms and timeout_ms together: it would be stale between two reads",
        );
    }

    fn pool(&mut self, config: &Config, pool: &PoolConfig) {
        let mut demand = |ok, text| self.of("prices.pools", &pool.name, ok, text);
        let test_chain = TEST_CHAINS.contains(&config.chain.chain_id);
        demand(
            pool.window_s >= if test_chain { 1 } else { LEAST_WINDOW_S },
            "needs a window_s of at least 1800; only test chains (1337, 31337) may have less",
        );
        demand(pool.poll_ms >= 100, "needs a poll_ms of at least 100");
        demand(
            pool.max_age_ms >= pool.poll_ms,
            "needs a max_age_ms not below poll_ms: it would be stale between two looks",
        );
        demand(!pool.pair.is_zero(), "needs a pair");
        let quote = config.tokens.iter().find(|token| token.address == pool.quote);
        let priced = quote.is_some_and(|quote| {
            quote.sources.iter().all(|source| config.prices.pool(source).is_none())
        });
        // one pool behind a price is what the median bears; a chain of them would be several
        demand(priced, "needs a quote that is one of the tokens and has no pool itself");
        demand(pool.quote != pool.token, "needs a quote other than its token");
    }

    fn token(&mut self, config: &Config, names: &BTreeSet<&str>, token: &TokenConfig) {
        let mut demand = |ok: bool, text: &str| self.of("tokens", &token.symbol, ok, text);
        let sources: BTreeSet<&str> = token.sources.iter().map(String::as_str).collect();
        demand(!sources.is_empty(), "needs at least one of its sources");
        demand(sources.len() == token.sources.len(), "names one of its sources twice");
        for source in sources.difference(names) {
            demand(false, &format!("has {source} among its sources, which is none"));
        }
        let quorum = config.prices.rule(token).quorum as usize;
        demand(
            quorum <= sources.len().max(1),
            "has a quorum that its sources cannot reach: it would never have a price",
        );
        let pools: Vec<_> = sources.iter().filter_map(|name| config.prices.pool(name)).collect();
        demand(pools.len() <= 1, "has more than one pool among its sources");
        let own = pools.iter().all(|pool| pool.token == token.address);
        demand(own, "has the pool of another token among its sources");
    }
}

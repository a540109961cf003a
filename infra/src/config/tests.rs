use super::*;

const EXAMPLE: &str = include_str!("../../gavel.example.toml");

#[test]
fn the_example_is_accepted_and_shows_every_key_with_its_default() {
    let example = Config::from_toml(EXAMPLE).unwrap();
    let mut expected = Config { tokens: example.tokens.clone(), ..Config::default() };
    expected.postgres.url = example.postgres.url.clone();
    expected.redis.url = example.redis.url.clone();
    expected.chain.rpc_url = example.chain.rpc_url.clone();
    expected.chain.chain_id = example.chain.chain_id;
    expected.chain.settlement = example.chain.settlement;
    let shown = serde_json::to_value(&example).unwrap();
    assert_eq!(shown, serde_json::to_value(&expected).unwrap());

    let sections = serde_json::to_value(Config::default()).unwrap();
    for (section, keys) in sections.as_object().unwrap() {
        for key in keys.as_object().into_iter().flatten().map(|(key, _)| key) {
            let is_there = EXAMPLE.lines().any(|line| {
                let line = line.trim_start_matches("# ");
                line.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with(" = "))
            });
            assert!(is_there, "{section}.{key} is missing in the example");
        }
    }
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let error = Config::from_toml("").unwrap_err().to_string();
    for key in ["postgres.url", "redis.url", "chain.rpc_url", "chain.chain_id", "chain.settlement"]
    {
        assert!(error.contains(&format!("{key} is missing")), "{key} in {error}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let text = EXAMPLE
        .replace("renew_ms = 1500", "renew_ms = 5000")
        .replace("max_body_bytes = 262144", "max_body_bytes = 1024");
    let error = Config::from_toml(&text).unwrap_err().to_string();
    assert!(error.contains("lease.ttl_ms must be at least three times lease.renew_ms"), "{error}");
    assert!(error.contains("api.max_body_bytes"), "{error}");
}

#[test]
fn secrets_do_not_show_in_a_printed_configuration() {
    let config = Config::from_toml(EXAMPLE).unwrap();
    let shown = format!("{config:?}{}", serde_json::to_string(&config).unwrap());
    assert!(!shown.contains("password"), "{shown}");
    assert!(!shown.contains("localhost:8545"), "{shown}");
}

/// The example with its commented blocks of sources, and the first token on them.
fn with_sources() -> String {
    let begun = EXAMPLE.find("# [[prices.feeds]]").unwrap();
    let ended = EXAMPLE.find("[api]").unwrap();
    let sources: String = EXAMPLE[begun..ended]
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line)))
        .collect();
    let text = format!("{}{sources}{}", &EXAMPLE[..begun], &EXAMPLE[ended..]);
    // the second token is the pool's
    let at = text.find("symbol = \"USDC\"").unwrap();
    let (head, tail) = text.split_at(at);
    format!("{head}quorum = 2\nsources = [\"configured\", \"desk\", \"usdc-weth\"]\n{tail}")
}

#[test]
fn the_examples_blocks_of_sources_are_accepted_and_show_the_defaults() {
    let config = Config::from_toml(&with_sources()).unwrap();
    let shown = |config: &Config| {
        let prices = serde_json::to_value(&config.prices).unwrap();
        (prices["feeds"][0].clone(), prices["pools"][0].clone())
    };
    let mut short = with_sources();
    for key in
        ["poll_ms", "timeout_ms", "max_body_bytes", "max_age_ms", "window_s", "min_quote_reserve"]
    {
        let begun = short.find("[[prices.feeds]]").unwrap();
        let ended = short.find("[api]").unwrap();
        let kept: String = short[begun..ended]
            .lines()
            .filter(|line| !line.starts_with(key))
            .map(|line| format!("{line}\n"))
            .collect();
        short = format!("{}{kept}{}", &short[..begun], &short[ended..]);
    }
    assert_eq!(shown(&config), shown(&Config::from_toml(&short).unwrap()));
    assert_eq!(shown(&config).0["poll_ms"], 2_000);
    let rule = config.prices.rule(&config.tokens[1]);
    assert_eq!((rule.quorum, rule.max_move_bps), (2, 1_000));
    let more_than_half = TokenConfig { quorum: None, ..config.tokens[1].clone() };
    assert_eq!(config.prices.rule(&more_than_half).quorum, 2);
    let two = vec!["configured".to_owned(), "desk".to_owned()];
    let both = TokenConfig { sources: two, ..more_than_half };
    assert_eq!(config.prices.rule(&both).quorum, 2);
    let own = config.prices.rule(&config.tokens[0]);
    assert_eq!((own.quorum, own.max_move_bps), (1, 0));
    let printed = format!("{config:?}");
    assert!(!printed.contains("prices.example"), "{printed}");
}

#[test]
fn sources_that_cannot_work_are_named() {
    let usdc = "[\"configured\", \"desk\", \"usdc-weth\"]";
    let cases = [
        ("name = \"desk\"", "name = \"configured\"", "configured is the name of another source"),
        ("name = \"desk\"", "name = \"De sk\"", "prices.feeds: De sk is no name"),
        ("name = \"desk\"", "name = \"other\"", "other is not among the sources of any token"),
        ("name = \"desk\"", "name = \"other\"", "USDC has desk among its sources, which is none"),
        ("https://prices", "ftp://prices", "prices.feeds: desk needs a url"),
        ("max_age_ms = 30000", "max_age_ms = 3999", "desk needs a max_age_ms"),
        ("poll_ms = 12000", "poll_ms = 180001", "usdc-weth needs a max_age_ms"),
        ("poll_ms = 12000", "poll_ms = 99", "usdc-weth needs a poll_ms"),
        ("chain_id = 31337", "chain_id = 1", ""),
        ("quorum = 2", "quorum = 4", "tokens: USDC has a quorum that its sources cannot reach"),
        (
            "\nquorum = 0 ",
            "\nquorum = 2 ",
            "tokens: WETH has a quorum that its sources cannot reach",
        ),
        ("max_move_bps = 1000", "max_move_bps = 10001", "prices.max_move_bps must be at most"),
        ("max_spread_bps = 2000", "max_spread_bps = 10001", "prices.max_spread_bps must be"),
        (usdc, "[\"desk\", \"usdc-weth\", \"desk\"]", "USDC names one of its sources twice"),
        (usdc, "[]", "USDC needs at least one of its sources"),
        ("sources = [\"configured\"]", "sources = [\"usdc-weth\"]", "WETH has the pool of another"),
        ("sources = [\"configured\"]", "sources = [\"usdc-weth\"]", "needs a quote that is one of"),
        ("\n[[prices.pools]] ", SECOND_POOL, "USDC has more than one pool among its sources"),
    ];
    let text = with_sources();
    for (from, to, expected) in cases {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        let changed = match to {
            SECOND_POOL => {
                changed.replacen("\"desk\", \"usdc-weth\"]", "\"p2\", \"usdc-weth\", \"desk\"]", 1)
            }
            _ => changed,
        };
        match Config::from_toml(&changed) {
            Ok(_) => assert!(expected.is_empty(), "{to} was accepted"),
            Err(error) => assert!(error.to_string().contains(expected), "{to}: {error}"),
        }
    }
}

/// Another pool of the same pair, before the first.
const SECOND_POOL: &str = "
[[prices.pools]]
name = \"p2\"
pair = \"0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc\"
token = \"0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9\"
quote = \"0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0\"

[[prices.pools]] ";

#[test]
fn an_average_may_be_shorter_than_half_an_hour_on_a_test_chain_only() {
    let text = with_sources().replace("window_s = 1800", "window_s = 1799");
    assert!(Config::from_toml(&text).is_ok());
    let text = text.replace("chain_id = 31337", "chain_id = 1");
    let error = Config::from_toml(&text).unwrap_err().to_string();
    assert!(error.contains("prices.pools: usdc-weth needs a window_s of at least 1800"), "{error}");
}

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
    expected.chain.registry = example.chain.registry;
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

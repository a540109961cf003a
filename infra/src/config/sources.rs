//! Where settings come from.

use std::path::Path;

use figment::{
    Error, Figment,
    error::Kind,
    providers::{Format, Serialized, Toml},
    value::Value,
};

use super::{Config, ConfigError};

const PREFIX: &str = "GAVEL_";

/// Variables with our prefix that are no settings: the binary's own arguments, and those of the
/// development stack, the tests (some write files of the repository) and the reference solvers,
/// which live in the same shells.
const NOT_SETTINGS: &[&str] = &["GAVEL_CONFIG", "GAVEL_ROLES", "GAVEL_API_PORT"];
const NOT_SETTINGS_PREFIXES: &[&str] =
    &["GAVEL_DEV_", "GAVEL_TEST_", "GAVEL_SOLVER_", "GAVEL_WRITE_"];

/// Keys whose values are text even if they look like a number or a list.
const TEXTS: &[&str] = &[
    "url",
    "rpc_url",
    "private_rpc_url",
    "key",
    "key_file",
    "settler_key",
    "settler_key_file",
    "prefix",
    "filter",
];

/// Defaults, then the file, then the variables.
pub(super) fn read(
    path: Option<&Path>,
    vars: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut sources = Figment::new();
    if let Some(path) = path {
        if !path.is_file() {
            return Err(ConfigError::NoFile(path.display().to_string()));
        }
        sources = sources.merge(Toml::file_exact(path));
    }
    for (name, text) in vars {
        if let Some(key) = key_of(&name) {
            sources = sources.merge(Serialized::default(&key, value_of(&key, text)));
        }
    }
    extract(&sources)
}

/// Defaults, then the text.
pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
    extract(&Figment::from(Toml::string(text)))
}

fn key_of(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    let ours = !NOT_SETTINGS.contains(&name)
        && !NOT_SETTINGS_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    ours.then(|| rest.to_ascii_lowercase().replace("__", "."))
}

fn value_of(key: &str, text: String) -> Value {
    let name = key.rsplit('.').next().unwrap_or(key);
    if TEXTS.contains(&name) {
        return Value::from(text);
    }
    text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}

fn extract(sources: &Figment) -> Result<Config, ConfigError> {
    sources
        .extract()
        .map_err(|error| ConfigError::Keys(error.into_iter().map(|e| describe(&e)).collect()))
}

/// The key first, and never the value: it might be a secret in the wrong place.
fn describe(error: &Error) -> String {
    let path = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(field, known) => {
            let parent = path.strip_suffix(field.as_str()).unwrap_or(&path).trim_end_matches('.');
            let key = if parent.is_empty() { field.clone() } else { format!("{parent}.{field}") };
            format!("{key} is not a setting; known here: {}", known.join(", "))
        }
        Kind::MissingField(field) => {
            let dot = if path.is_empty() { "" } else { "." };
            format!("{path}{dot}{field} is missing")
        }
        Kind::InvalidType(_, expected) => format!("{path} must be {expected}"),
        Kind::InvalidValue(_, expected) => format!("{path} must be {expected}"),
        Kind::InvalidLength(_, expected) => format!("{path} must have {expected}"),
        Kind::UnknownVariant(_, known) => format!("{path} must be one of {}", known.join(", ")),
        other if path.is_empty() => other.to_string(),
        other => format!("{path}: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        let owned: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        owned.into_iter()
    }

    #[test]
    fn the_environment_overrides_defaults() {
        let config = read(
            None,
            vars(&[
                ("GAVEL_POSTGRES__URL", "postgres://localhost/gavel"),
                ("GAVEL_AUCTION__WINDOW_MS", "500"),
                ("GAVEL_API__CORS_ORIGINS", "[https://a.example, https://b.example]"),
                ("GAVEL_CHAIN__SETTLEMENT", "0x00000000000000000000000000000000000000aa"),
                ("PATH", "/bin"),
            ]),
        )
        .unwrap();
        assert_eq!(config.postgres.url.expose(), "postgres://localhost/gavel");
        assert_eq!(config.auction.window_ms, 500);
        assert_eq!(config.api.cors_origins.len(), 2);
        assert_eq!(config.chain.settlement.as_slice()[19], 0xaa);
    }

    #[test]
    fn lists_of_tables_can_come_from_the_environment() {
        let feeds = r#"[{name = "desk", url = "https://prices.example/?key=1", poll_ms = 500}]"#;
        let config = read(None, vars(&[("GAVEL_PRICES__FEEDS", feeds)])).unwrap();
        let feed = &config.prices.feeds[0];
        assert_eq!((feed.name.as_str(), feed.poll_ms, feed.timeout_ms), ("desk", 500, 2_000));
        assert_eq!(feed.url.expose(), "https://prices.example/?key=1");
    }

    #[test]
    fn lists_of_keys_can_come_from_the_environment() {
        let [one, two] = ["07".repeat(32), "a1".repeat(32)];
        let list = format!(r#"["{one}", "0x{two}"]"#);
        let config = read(None, vars(&[("GAVEL_SETTLEMENT__SETTLER_KEYS", &list)])).unwrap();
        let keys = config.settlement.keys().unwrap();
        assert_eq!(keys[0].expose(), one);
        assert_eq!(keys[1].expose(), format!("0x{two}"));
    }

    #[test]
    fn a_key_of_digits_stays_a_text() {
        let digits = "0123456789".repeat(6) + "0123";
        let config = read(None, vars(&[("GAVEL_RECEIPTS__KEY", &digits)])).unwrap();
        assert_eq!(config.receipts.key.unwrap().expose(), digits);
    }

    #[test]
    fn unknown_keys_are_refused_by_name_in_file_and_environment() {
        let in_file = parse("[postgres]\nurll = \"x\"").unwrap_err().to_string();
        assert!(in_file.starts_with("postgres.urll is not a setting"), "{in_file}");
        let section = parse("[postgress]\nurl = \"x\"").unwrap_err().to_string();
        assert!(section.starts_with("postgress is not a setting"), "{section}");
        for (name, key) in [("GAVEL_POSTGRES__URLL", "postgres.urll"), ("GAVEL_TYPO", "typo")] {
            let error = read(None, vars(&[(name, "1")])).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key} is not a setting")), "{error}");
        }
        assert!(read(None, vars(&[("GAVEL_API_PORT", "1"), ("GAVEL_DEV_X", "1")])).is_ok());
    }

    #[test]
    fn a_wrong_type_is_named_without_its_value() {
        let error = parse("[api]\nmax_body_bytes = \"hunter2\"").unwrap_err().to_string();
        assert!(error.contains("api.max_body_bytes"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let error = parse("[log]\nformat = \"xml\"").unwrap_err().to_string();
        assert!(error.contains("log.format"), "{error}");
    }
}

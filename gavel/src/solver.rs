//! `gavel solver`: a reference solver on the command line.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::{Args, ValueEnum};
use domain::{
    Amount,
    signature::{InvalidKey, SigningKey},
};
use infra::config::{LogConfig, LogFormat, Secret};
use solvers::solver::{SolverConfig, Strategy};

use crate::exit::{CONFIG, Exit};

/// An address on the command line.
type Address = alloy_primitives::Address;

/// Options of `gavel solver`.
#[derive(Debug, Args)]
pub(crate) struct SolverArgs {
    /// How to find bids.
    #[arg(long, value_enum)]
    strategy: StrategyName,
    /// The API's base URL.
    #[arg(long, env = "GAVEL_SOLVER_API")]
    api: String,
    /// The node's JSON-RPC URL.
    #[arg(long, env = "GAVEL_SOLVER_RPC", hide_env_values = true)]
    rpc: String,
    #[command(flatten)]
    key: KeyArgs,
    /// The filler contract that is bound to this solver.
    #[arg(long)]
    filler: Address,
    /// A price of one's own: TOKEN=numéraire atoms per 10^18 atoms. May be repeated.
    #[arg(long = "price", value_name = "TOKEN=PRICE", value_parser = price)]
    prices: Vec<(Address, Amount)>,
    /// What the inventory strategy keeps of the reference price, in basis points.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..10_000))]
    spread_bps: u32,
    /// How long after its auction's close a bid may still settle, in seconds.
    #[arg(long, default_value_t = 900)]
    valid_for: u32,
    /// The most bids in one auction.
    #[arg(long, default_value_t = 48)]
    max_bids: usize,
    /// What is logged, as tracing filters are written.
    #[arg(long, env = "GAVEL_SOLVER_LOG", default_value = "info")]
    log: String,
}

/// Where the key is. Never on the command line itself: other users can read that.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct KeyArgs {
    /// The environment variable that holds the signing key.
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// The file that holds the signing key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StrategyName {
    /// Match intents with each other.
    Ring,
    /// Fill from the filler's balance.
    Inventory,
}

impl SolverArgs {
    /// The log of a command in a terminal.
    pub(crate) fn log(&self) -> LogConfig {
        LogConfig { format: LogFormat::Text, filter: self.log.clone() }
    }

    /// What the solver is told.
    pub(crate) fn config(self) -> Result<SolverConfig, Exit> {
        let strategy = match self.strategy {
            StrategyName::Ring => Strategy::Ring,
            StrategyName::Inventory => Strategy::Inventory { spread_bps: self.spread_bps },
        };
        Ok(SolverConfig {
            api: self.api,
            rpc: Secret::new(self.rpc),
            key: self.key.read()?,
            filler: self.filler,
            strategy,
            prices: self.prices.into_iter().collect::<BTreeMap<_, _>>(),
            valid_for_s: self.valid_for,
            max_bids: self.max_bids,
        })
    }
}

impl KeyArgs {
    fn read(&self) -> Result<SigningKey, Exit> {
        let (place, text) = match (&self.key_env, &self.key_file) {
            (Some(name), _) => {
                let text = std::env::var(name)
                    .map_err(|_| Exit::new(CONFIG, format!("${name} holds no key")))?;
                (format!("${name}"), text)
            }
            (None, Some(path)) => {
                let text = fs::read_to_string(path)
                    .map_err(|error| Exit::new(CONFIG, format!("{}: {error}", path.display())))?;
                (path.display().to_string(), text)
            }
            (None, None) => return Err(Exit::new(CONFIG, "give --key-env or --key-file")),
        };
        SigningKey::from_hex(&text)
            .map_err(|InvalidKey| Exit::new(CONFIG, format!("{place} {InvalidKey}")))
    }
}

fn price(text: &str) -> Result<(Address, Amount), String> {
    let (token, price) = text.split_once('=').ok_or("must be TOKEN=PRICE")?;
    let token = token.trim().parse().map_err(|_| format!("{token:?} is no address"))?;
    let price = price.trim().parse::<Amount>().map_err(|error| error.to_string())?;
    Ok((token, price))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_token_and_a_whole_number() {
        let token = format!("{}", Address::repeat_byte(0xaa));
        let (read, amount) = price(&format!("{token}=2000000000000000000")).unwrap();
        assert_eq!((read, amount), (Address::repeat_byte(0xaa), Amount::from(2 * 10u64.pow(18))));
        for text in ["", "0x12=1", &token, &format!("{token}=1.5"), &format!("{token}=-1")] {
            assert!(price(text).is_err(), "{text:?}");
        }
    }
}

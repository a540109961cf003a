//! The command line.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use infra::{
    config::{Config, ConfigError},
    pg,
    run::Shutdown,
    telemetry,
};
use solvers::solver::SolverError;
use tokio::runtime::Runtime;

use crate::{
    Roles,
    audit::{self, AuditArgs},
    exit::{CONFIG, Exit, FAILED, UNAVAILABLE, report},
    openapi,
    replay::{self, ReplayArgs},
    serve::{ServeError, serve},
    solver::SolverArgs,
};

/// A solver marketplace for token swaps: signed intents in, sealed bids in, batches settled on
/// chain by commit and reveal.
#[derive(Debug, Parser)]
#[command(name = "gavel", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run roles until SIGINT or SIGTERM.
    Serve {
        #[command(flatten)]
        config: ConfigArgs,
        /// Which roles: any of api, auction and settlement, separated by commas.
        #[arg(long, env = "GAVEL_ROLES", default_value = "api,auction,settlement")]
        roles: Roles,
    },
    /// Bring the database's tables up to this binary.
    Migrate(ConfigArgs),
    /// Check the configuration and print what it comes to, without secrets.
    Config(ConfigArgs),
    /// Print the OpenAPI document, or write or check it and its AsyncAPI twin on disk.
    Openapi(OpenapiArgs),
    /// Run a reference solver until SIGINT or SIGTERM.
    Solver(Box<SolverArgs>),
    /// Make every decision again from public data, and hold it against the chain; exit code 3 if
    /// anything differs.
    Audit(Box<AuditArgs>),
    /// Decide recorded auctions again: time, optimality, surplus, and how one solver's bids did.
    Replay(ReplayArgs),
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// The TOML file. Environment variables GAVEL_SECTION__KEY override it.
    #[arg(long, env = "GAVEL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct OpenapiArgs {
    /// Compare the documents in this folder; exit code 3 if they differ.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "openapi")]
    check: Option<PathBuf>,
    /// Write the documents into this folder.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "openapi")]
    write: Option<PathBuf>,
}

/// Runs a command; the exit codes are those of [`crate::exit`].
pub fn main(cli: Cli) -> ExitCode {
    report(match cli.command {
        Command::Serve { config, roles } => run_roles(&config, roles),
        Command::Migrate(config) => migrate(&config),
        Command::Config(config) => show(&config),
        Command::Openapi(args) => documents(&args),
        Command::Solver(args) => run_solver(*args),
        Command::Audit(args) => run_audit(*args),
        Command::Replay(args) => run_replay(args),
    })
}

impl ConfigArgs {
    fn load(&self) -> Result<Config, Exit> {
        let config = Config::load(self.config.as_deref())
            .map_err(|error: ConfigError| Exit::new(CONFIG, error))?;
        telemetry::init(&config.log).map_err(|error| Exit::new(CONFIG, error))?;
        Ok(config)
    }
}

fn runtime() -> Result<Runtime, Exit> {
    Runtime::new().map_err(|error| Exit::new(FAILED, format!("runtime: {error}")))
}

fn run_roles(config: &ConfigArgs, roles: Roles) -> Result<(), Exit> {
    let config = config.load()?;
    runtime()?.block_on(async {
        let signals = Shutdown::new();
        signals.cancel_on_signal().map_err(|error| Exit::new(FAILED, error))?;
        let token = signals.token();
        let serving = match serve(config, roles, &token).await {
            Ok(serving) => serving,
            Err(ServeError::Stopped) => return Ok(()),
            Err(error) => {
                let code = if error.retryable() { UNAVAILABLE } else { CONFIG };
                return Err(Exit::new(code, error));
            }
        };
        let ended = serving.wait().await;
        tracing::info!("stopped");
        ended.map_err(|error| Exit::new(FAILED, error))
    })
}

fn migrate(config: &ConfigArgs) -> Result<(), Exit> {
    let config = config.load()?;
    runtime()?.block_on(async {
        let failed = |error: pg::StoreError| {
            let code = if error.retryable() { UNAVAILABLE } else { FAILED };
            Exit::new(code, error)
        };
        let pool = pg::connect(&config.postgres).map_err(failed)?;
        pg::migrate(&pool).await.map_err(failed)?;
        tracing::info!("the tables are those of this binary");
        Ok(())
    })
}

/// Prints a result; a reader that has seen enough, such as `head`, is no failure.
fn print(text: &str) -> Result<(), Exit> {
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Exit::new(FAILED, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn show(config: &ConfigArgs) -> Result<(), Exit> {
    let config = config.load()?;
    let text = serde_json::to_string_pretty(&config).map_err(|e| Exit::new(FAILED, e))?;
    print(&text)
}

fn documents(args: &OpenapiArgs) -> Result<(), Exit> {
    match (&args.check, &args.write) {
        (Some(folder), _) => openapi::check(folder),
        (None, Some(folder)) => openapi::write(folder),
        (None, None) => print(&openapi::text()?),
    }
}

fn run_solver(args: SolverArgs) -> Result<(), Exit> {
    telemetry::init(&args.log()).map_err(|error| Exit::new(CONFIG, error))?;
    let config = args.config()?;
    runtime()?.block_on(async {
        let signals = Shutdown::new();
        signals.cancel_on_signal().map_err(|error| Exit::new(FAILED, error))?;
        solvers::solver::run(config, signals.token()).await.map_err(|error: SolverError| {
            let code = if error.retryable() { UNAVAILABLE } else { CONFIG };
            Exit::new(code, error)
        })
    })
}

fn run_audit(args: AuditArgs) -> Result<(), Exit> {
    runtime()?.block_on(async {
        let signals = Shutdown::new();
        signals.cancel_on_signal().map_err(|error| Exit::new(FAILED, error))?;
        audit::run(args, &signals.token()).await
    })
}

fn run_replay(args: ReplayArgs) -> Result<(), Exit> {
    runtime()?.block_on(async {
        let signals = Shutdown::new();
        signals.cancel_on_signal().map_err(|error| Exit::new(FAILED, error))?;
        replay::run(args, &signals.token()).await
    })
}

#[cfg(test)]
mod tests;

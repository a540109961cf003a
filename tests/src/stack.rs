//! The whole system on one machine: stores, node, contracts, funded accounts, and `gavel` processes.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::primitives::Address;
use domain::eip712::SigningDomain;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::{
    anvil::{Anvil, CHAIN_ID, Mining},
    fixture,
    market::{Market, MarketPlan},
    orders::Wallet,
    ports,
    process::{Process, Program},
    redis::Redis,
    repo,
    rpc::Rpc,
    wait,
};

/// What a stack is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How blocks come.
    pub mining: Mining,
    /// How many owners are funded and approved.
    pub owners: u64,
    /// How many solvers are registered with a filled filler.
    pub solvers: u64,
    /// The bid window, milliseconds.
    pub window_ms: u64,
    /// Extra lines for the configuration, as `(section.key, value)` in TOML.
    pub settings: Vec<(&'static str, String)>,
    /// The reveal's maximum age, in blocks.
    pub max_delay: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            mining: Mining::Instant,
            owners: 4,
            solvers: 1,
            window_ms: 400,
            settings: Vec::new(),
            max_delay: 64,
        }
    }
}

/// A running stack. Dropping it stops all of it.
#[derive(Debug)]
pub struct Stack {
    /// Processes of `gavel`, stopped first.
    pub services: Vec<Process>,
    /// The bid queue and the stream.
    pub redis: Redis,
    /// The node.
    pub anvil: Anvil,
    /// Contracts, tokens and accounts.
    pub market: Market,
    /// The database's connection string.
    pub postgres_url: String,
    config: PathBuf,
    folder: Folder,
}

/// Where a stack keeps its files: a scratch folder of its own, or one that stays.
#[derive(Debug)]
enum Folder {
    Scratch(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Scratch(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

/// A `gavel serve` process.
#[derive(Debug)]
pub struct Service {
    /// The process.
    pub process: Process,
    /// Where its API listens, if it has that role.
    pub api_url: String,
}

impl Stack {
    /// Starts stores, node and contracts for a test, with a database of its own; no service yet.
    ///
    /// # Errors
    /// If a part does not come up.
    pub async fn start(plan: Plan) -> io::Result<Self> {
        let folder = fixture::scratch()?;
        let url = fixture::database().await?;
        Self::assemble(plan, Folder::Scratch(folder), url, &mut |_| {}).await
    }

    /// Starts node, Redis and contracts beside a database that is there, in a folder that stays.
    /// `say` is told each step as it is done.
    ///
    /// # Errors
    /// If a part does not come up.
    pub async fn start_in(
        plan: Plan,
        folder: &Path,
        postgres_url: String,
        say: &mut dyn FnMut(&str),
    ) -> io::Result<Self> {
        Self::assemble(plan, Folder::Kept(folder.to_owned()), postgres_url, say).await
    }

    async fn assemble(
        plan: Plan,
        folder: Folder,
        postgres_url: String,
        say: &mut dyn FnMut(&str),
    ) -> io::Result<Self> {
        let redis = Redis::start(folder.path()).await?;
        say(&format!("Redis at {}", redis.url()));
        let anvil = Anvil::start(folder.path()).await?;
        say(&format!("anvil at {} (chain {CHAIN_ID})", anvil.url()));
        let wanted =
            MarketPlan { owners: plan.owners, solvers: plan.solvers, max_delay: plan.max_delay };
        let market = Market::deploy(&anvil.url(), wanted).await?;
        say(&format!("Settlement deployed at {}", market.settlement));
        if let Mining::Every(seconds) = plan.mining {
            let rpc = Rpc::new(&anvil.url()).map_err(io::Error::other)?;
            rpc.mine_every(seconds).await.map_err(io::Error::other)?;
        }
        let config = folder.path().join("gavel.toml");
        let text = configuration(&plan, &postgres_url, &redis, &anvil, &market);
        std::fs::write(&config, text)?;
        Ok(Self { services: Vec::new(), redis, anvil, market, postgres_url, config, folder })
    }

    /// The signing domain of this deployment.
    #[must_use]
    pub const fn domain(&self) -> &SigningDomain {
        &self.market.domain
    }

    /// The owner numbered `n`.
    #[must_use]
    pub fn owner(&self, n: usize) -> &Wallet {
        &self.market.owners[n]
    }

    /// The token called `symbol`.
    ///
    /// # Panics
    /// If there is none: the caller's mistake.
    #[must_use]
    #[allow(clippy::expect_used, reason = "harness")]
    pub fn token(&self, symbol: &str) -> Address {
        let token = self.market.tokens.iter().find(|token| token.symbol == symbol);
        token.expect("a token of the market").address
    }

    /// A JSON-RPC client of the node.
    ///
    /// # Errors
    /// If no client can be made.
    pub fn rpc(&self) -> io::Result<Rpc> {
        Rpc::new(&self.anvil.url()).map_err(io::Error::other)
    }

    /// Where this stack keeps its files and logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration its services read, for tests that start roles in this process.
    ///
    /// # Errors
    /// If it does not load.
    pub fn config(&self) -> io::Result<infra::config::Config> {
        infra::config::Config::load(Some(&self.config)).map_err(io::Error::other)
    }

    /// Writes that a settler with lanes for everything is at work. Where nobody settles, windows would
    /// grow with every batch.
    ///
    /// # Errors
    /// If the database refuses it.
    pub async fn endless_lanes(&self) -> io::Result<()> {
        const QUERY: &str = "INSERT INTO settler (chain_id, settler, lanes, seen_at)
            VALUES ($1, $2, 1000000, 'infinity')";
        let mut conn = PgConnection::connect(&self.postgres_url).await.map_err(io::Error::other)?;
        let query = sqlx::query(QUERY).bind(i64::try_from(CHAIN_ID).map_err(io::Error::other)?);
        let query = query.bind(self.market.settler.address().to_vec());
        query.execute(&mut conn).await.map_err(io::Error::other)?;
        conn.close().await.map_err(io::Error::other)
    }

    /// Starts `gavel serve` with these roles and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn serve(&self, roles: &str) -> io::Result<Service> {
        self.serve_on(roles, ports::free()?).await
    }

    /// As [`Stack::serve`], with the API on a given port.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn serve_on(&self, roles: &str, port: u16) -> io::Result<Service> {
        let api_url = format!("http://127.0.0.1:{port}");
        let log = self.folder().join(format!("gavel-{port}.log"));
        let config = self.config.display().to_string();
        let mut process = Program::new("gavel", repo::gavel_binary()?)
            .args(["serve", "--config", &config, "--roles", roles])
            // as the README tells operators to: an auction finds the memory of the one before
            .env("MIMALLOC_PURGE_DELAY", "10000")
            .env("GAVEL_API__LISTEN", format!("127.0.0.1:{port}"))
            .env("GAVEL_SETTLEMENT__SETTLER_KEY", self.market.settler.secret_hex())
            .env("GAVEL_RECEIPTS__KEY", self.market.receipts.secret_hex())
            .log_to(&log)
            .start()?;
        let client = infra::http::client(Duration::from_secs(2)).map_err(io::Error::other)?;
        let ready = format!("{api_url}/health/ready");
        wait::until("gavel being ready", Duration::from_secs(30), || {
            let ended = process.ended();
            let request = client.get(&ready);
            async move {
                if let Some(status) = ended {
                    return Err(format!("it ended with {status}"));
                }
                let answer = request.send().await.map_err(|e| e.to_string())?;
                match answer.status().is_success() {
                    true => Ok(()),
                    false => Err(answer.text().await.unwrap_or_default()),
                }
            }
        })
        .await
        .map_err(|e| io::Error::other(format!("{e}\n{}", tail(&log))))?;

        Ok(Service { process, api_url })
    }

    /// Starts a reference solver: number `n` of the market's, with its filler.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn solver(&self, strategy: &str, n: usize, api_url: &str) -> io::Result<Process> {
        let solver = &self.market.solvers[n];
        Program::new("gavel solver", repo::gavel_binary()?)
            .args(["solver", "--strategy", strategy, "--api", api_url, "--rpc", &self.anvil.url()])
            .args(["--key-env", "SOLVER_KEY", "--filler", &solver.filler.to_checksum(None)])
            .env("SOLVER_KEY", solver.key.secret_hex())
            .log_to(self.folder().join(format!("solver-{strategy}-{n}.log")))
            .start()
    }
}

/// The last lines of a log, for error messages.
#[must_use]
pub fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(15).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

fn configuration(
    plan: &Plan,
    postgres_url: &str,
    redis: &Redis,
    anvil: &Anvil,
    market: &Market,
) -> String {
    let block_time_ms = match plan.mining {
        Mining::Instant => 1_000,
        Mining::Every(seconds) => u64::from(seconds) * 1_000,
    };
    let mut keys = vec![
        ("postgres.url", quoted(postgres_url)),
        ("postgres.max_connections", "8".to_owned()),
        ("redis.url", quoted(&redis.url())),
        ("chain.rpc_url", quoted(&anvil.url())),
        ("chain.chain_id", CHAIN_ID.to_string()),
        ("chain.settlement", quoted(&market.settlement.to_string())),
        ("chain.block_time_ms", block_time_ms.to_string()),
        ("chain.confirmations", "1".to_owned()),
        ("chain.finality_blocks", "4".to_owned()),
        ("auction.window_ms", plan.window_ms.to_string()),
        ("settlement.poll_ms", "50".to_owned()),
        ("settlement.resend_after_ms", (block_time_ms * 3).to_string()),
        ("api.ip_per_second", "0".to_owned()),
        ("api.owner_per_second", "0".to_owned()),
        ("api.solver_per_second", "0".to_owned()),
    ];
    for (key, value) in &plan.settings {
        keys.retain(|(known, _)| known != key);
        keys.push((key, value.clone()));
    }
    let mut text: String = keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    for token in &market.tokens {
        text.push_str(&format!(
            "[[tokens]]\nsymbol = \"{}\"\naddress = \"{}\"\ndecimals = {}\nprice = \"{}\"\n",
            token.symbol, token.address, token.decimals, token.price
        ));
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

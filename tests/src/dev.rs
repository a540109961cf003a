//! The development stack: what `make dev` starts, says, and stops again.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    anvil::Mining,
    fixture, orders,
    postgres::{Durability, Postgres},
    repo,
    stack::{Plan, Service, Stack},
};

mod bill;
mod demo;
mod flow;
mod manifest;

/// Accounts for whoever builds against the stack: nothing else touches their nonces and balances.
const ACCOUNTS: usize = 12;
/// Accounts of the order flow and the demo's curl.
const FLOW: usize = 6;
/// One solver matches intents with each other, two fill from their inventories.
const STRATEGIES: [&str; 3] = ["ring", "inventory", "inventory"];

/// A running development stack, stopped from top to bottom when dropped.
struct Dev {
    solvers: Vec<crate::process::Process>,
    service: Service,
    stack: Stack,
    postgres: Postgres,
}

/// Starts everything with an order flow and stays until Ctrl-C or SIGTERM.
///
/// # Errors
/// If a part does not come up, or a role ends by itself.
pub async fn up() -> io::Result<()> {
    let mut stop = Stop::new()?;
    let Some(mut dev) = stop.or(start()).await? else { return Ok(()) };
    manifest::explain(&dev);
    let ended = tokio::select! {
        () = stop.asked() => Ok(()),
        end = flow::run(&dev.service.api_url, &dev.stack) => end,
        end = watch(dev.service.process.id()) => end,
    };
    println!("\nstopping …");
    dev.stop()?;
    println!("stopped; nothing is left running");
    ended
}

/// Starts everything, follows one intent until it is filled, and stops.
///
/// # Errors
/// If a part does not come up or the intent is not filled in time.
pub async fn demo() -> io::Result<()> {
    let mut stop = Stop::new()?;
    let Some(mut dev) = stop.or(start()).await? else { return Ok(()) };
    let told = stop.or(demo::follow_one_intent(&dev.service.api_url, &dev.stack)).await;
    dev.stop()?;
    told?.ok_or_else(|| io::Error::other("interrupted"))
}

async fn start() -> io::Result<Dev> {
    let begun = Instant::now();
    let mut say = |what: &str| println!("{:6.1} s  {what}", begun.elapsed().as_secs_f32());
    let port = port()?;
    let folder = fresh_folder()?;
    let postgres = Postgres::start(&folder, Durability::Fsync).await?;
    say(&format!("Postgres at {}", postgres.url("gavel")));
    postgres.create("gavel", None).await.map_err(io::Error::other)?;
    fixture::migrate(&postgres.url("gavel")).await?;
    let plan = Plan {
        mining: Mining::Every(1),
        owners: (ACCOUNTS + FLOW) as u64,
        solvers: STRATEGIES.len() as u64,
        window_ms: 2_000,
        ..Plan::default()
    };
    let stack = Stack::start_in(plan, &folder, postgres.url("gavel"), &mut say).await?;
    say(&format!("{ACCOUNTS} accounts and {} fillers funded and approved", STRATEGIES.len()));
    let service = stack.serve_on("api,auction,settlement", port).await?;
    say(&format!("gavel serve at {}", service.api_url));
    let solvers = STRATEGIES.iter().enumerate();
    let solvers = solvers.map(|(n, strategy)| stack.solver(strategy, n, &service.api_url));
    let solvers = solvers.collect::<io::Result<Vec<_>>>()?;
    say(&format!("solvers: {}", STRATEGIES.join(", ")));
    manifest::write(&folder, &service.api_url, &stack)?;
    Ok(Dev { solvers, service, stack, postgres })
}

impl Dev {
    fn stop(&mut self) -> io::Result<()> {
        let patience = Duration::from_secs(15);
        for solver in &mut self.solvers {
            solver.stop(patience)?;
        }
        self.service.process.stop(patience)?;
        self.stack.anvil.process().stop(patience)?;
        self.stack.redis.kill9()?;
        self.postgres.process().stop(patience).map(drop)
    }
}

/// Ends with an error when the process is gone.
async fn watch(pid: u32) -> io::Result<()> {
    let path = PathBuf::from(format!("/proc/{pid}/stat"));
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    loop {
        tick.tick().await;
        let state = fs::read_to_string(&path).unwrap_or_default();
        let zombie =
            state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
        if state.is_empty() || zombie {
            return Err(io::Error::other("gavel serve ended by itself; its log is in .dev/"));
        }
    }
}

fn port() -> io::Result<u16> {
    let port = match env::var("GAVEL_API_PORT") {
        Err(_) => 8080,
        Ok(text) => text
            .parse()
            .map_err(|_| io::Error::other(format!("GAVEL_API_PORT={text} is not a port")))?,
    };
    std::net::TcpListener::bind(("127.0.0.1", port)).map(|_| port).map_err(|error| {
        io::Error::other(format!("port {port}: {error}; choose another with GAVEL_API_PORT"))
    })
}

/// `.dev/` (or `GAVEL_DEV_FOLDER`), empty: the chain starts anew, so what the stores knew of the last one is worthless.
fn fresh_folder() -> io::Result<PathBuf> {
    let folder =
        env::var_os("GAVEL_DEV_FOLDER").map_or_else(|| repo::root().join(".dev"), PathBuf::from);
    if folder.exists() {
        refuse_if_running(&folder)?;
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("pid"), std::process::id().to_string())?;
    Ok(folder)
}

fn refuse_if_running(folder: &Path) -> io::Result<()> {
    let pid = fs::read_to_string(folder.join("pid")).unwrap_or_default();
    let command = fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
    if !pid.is_empty() && command.contains("dev") {
        let message = format!("a stack is running already in .dev/ (process {pid})");
        return Err(io::Error::other(message));
    }
    Ok(())
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// The work's result, or `None` if we were asked to stop before it was done.
    async fn or<T>(&mut self, work: impl Future<Output = io::Result<T>>) -> io::Result<Option<T>> {
        tokio::select! {
            () = self.asked() => Ok(None),
            done = work => done.map(Some),
        }
    }
}

/// A random number below `bound`, a little biased: good enough for order flow.
fn dice(bound: u64) -> u64 {
    let mut bytes = [0u8; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes) % bound.max(1)
}

/// An order around the reference price: `slack_bps` below it.
fn order_near_price(
    stack: &Stack,
    sell: usize,
    buy: usize,
    wei: u128,
    slack_bps: u128,
) -> orders::Order {
    let worth = |n: usize, wei: u128| {
        let token = &stack.market.tokens[n];
        let atoms = alloy::primitives::U256::from(wei)
            * alloy::primitives::U256::from(10u128.pow(18))
            / token.price;
        atoms.to::<u128>()
    };
    let tokens = &stack.market.tokens;
    let least = worth(buy, wei) * (10_000 - slack_bps) / 10_000;
    orders::Order::sell(tokens[sell].address, worth(sell, wei), tokens[buy].address, least)
}

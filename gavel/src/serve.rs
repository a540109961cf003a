//! The roles of one process, under one token.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use domain::signature::{InvalidKey, SigningKey};
use infra::{
    chain::{Chain, ChainError},
    config::{Config, SecretError},
    pg::{self, Pool, StoreError},
    redis::{self, RedisError},
    relay,
    run::{RunError, Shutdown, sleep_or_cancelled},
    telemetry::{self, TelemetryError},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Roles,
    deployment::{self, DeploymentError},
    schema::{self, SchemaError},
};

/// What every role gets beyond its own time to stop, before it counts as stuck.
const GRACE: Duration = Duration::from_secs(15);
/// The pause before a store that is away is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The receipt key is missing: an API cannot promise anything without it.
    #[error("no receipt key: set receipts.key or receipts.key_file")]
    NoReceiptKey,
    /// The receipt key is no key.
    #[error("receipts.key {0}")]
    ReceiptKey(#[from] InvalidKey),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database's tables are not those of this binary.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Postgres cannot be used at all.
    #[error("postgres: {0}")]
    Store(#[from] StoreError),
    /// Redis cannot be used at all.
    #[error("redis: {0}")]
    Redis(#[from] RedisError),
    /// The node cannot be used at all.
    #[error("chain: {0}")]
    Chain(#[from] ChainError),
    /// The configuration speaks of other contracts than those on the chain.
    #[error("deployment: {0}")]
    Deployment(#[from] DeploymentError),
    /// The API cannot be started.
    #[error(transparent)]
    Api(#[from] api::ApiError),
    /// Logs or metrics cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Asked to stop before everything was there.
    #[error("stopped before it was ready")]
    Stopped,
}

impl ServeError {
    /// Whether starting again, with nothing changed, may help.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Store(error) | Self::Schema(SchemaError::Store(error)) => error.retryable(),
            Self::Redis(error) => error.retryable(),
            Self::Chain(error) | Self::Deployment(DeploymentError::Chain(error)) => {
                error.retryable()
            }
            Self::Stopped => true,
            Self::NoReceiptKey
            | Self::ReceiptKey(_)
            | Self::Secret(_)
            | Self::Schema(SchemaError::Behind)
            | Self::Deployment(
                DeploymentError::NoContract { .. } | DeploymentError::OtherDomain { .. },
            )
            | Self::Api(_)
            | Self::Telemetry(_) => false,
        }
    }
}

/// Roles at work. They stop when the token given to [`serve`] is cancelled, or when one fails.
#[derive(Debug)]
pub struct Serving {
    life: Shutdown,
    address: SocketAddr,
    grace: Duration,
}

impl Serving {
    /// Where it listens: the API if that is one of the roles, else health and metrics only.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until every role has ended.
    ///
    /// # Errors
    /// The first failure of a role, or that some did not stop in time.
    pub async fn wait(&self) -> Result<(), RunError> {
        self.life.wait(self.grace).await
    }

    /// Asks every role to stop, and waits for it.
    ///
    /// # Errors
    /// As [`Serving::wait`].
    pub async fn stop(&self) -> Result<(), RunError> {
        self.life.cancel();
        self.wait().await
    }
}

/// Starts roles in this process. Returns when it listens; stores and node may still be away,
/// except that Postgres must have answered once, to show that its tables are there. A node that is
/// there must have the contracts.
///
/// # Errors
/// A [`ServeError`]; nothing is running then.
pub async fn serve(
    config: Config,
    roles: Roles,
    token: &CancellationToken,
) -> Result<Serving, ServeError> {
    let parts = Parts::connect(config)?;
    await_schema(&parts.pool, token).await?;
    deployment::check(&parts.chain).await?;
    let metrics = telemetry::metrics()?;
    let life = Shutdown::new();
    let address = parts.listen(&life, roles)?;
    follow(&life, token);
    let stop = life.token();
    life.supervise("metrics", async move {
        metrics.upkeep(stop).await;
        Ok::<(), std::convert::Infallible>(())
    });
    parts.start(&life, roles);
    let grace = Duration::from_millis(parts.config.api.shutdown_ms) + GRACE;
    tracing::info!(%roles, %address, "serving");
    Ok(Serving { life, address, grace })
}

/// Cancels the roles with the caller's token; ends with either.
fn follow(life: &Shutdown, token: &CancellationToken) {
    let (outer, inner) = (token.clone(), life.token());
    life.supervise("stop", async move {
        tokio::select! {
            () = outer.cancelled() => inner.cancel(),
            () = inner.cancelled() => {}
        }
        Ok::<(), std::convert::Infallible>(())
    });
}

/// What roles share.
struct Parts {
    config: Arc<Config>,
    pool: Pool,
    redis: redis::Store,
    chain: Chain,
}

impl Parts {
    fn connect(config: Config) -> Result<Self, ServeError> {
        let pool = pg::connect(&config.postgres)?;
        let redis = redis::Store::connect(&config.redis, config.chain.chain_id)?;
        let chain = Chain::connect(&config.chain)?;
        Ok(Self { config: Arc::new(config), pool, redis, chain })
    }

    fn api(&self) -> Result<api::Deps, ServeError> {
        let key = self.config.receipts.resolve()?.ok_or(ServeError::NoReceiptKey)?;
        Ok(api::Deps {
            config: Arc::clone(&self.config),
            pool: self.pool.clone(),
            redis: self.redis.clone(),
            chain: self.chain.clone(),
            receipt_key: SigningKey::from_hex(key.expose())?,
            metrics: telemetry::metrics()?,
        })
    }

    /// Every process has health and metrics; one with the API's role has the API too.
    fn listen(&self, life: &Shutdown, roles: Roles) -> Result<SocketAddr, ServeError> {
        if roles.api {
            let bound = api::bind(self.api()?)?;
            let address = bound.address();
            life.supervise("api", bound.run(life.token()));
            return Ok(address);
        }
        let bound = api::Operations::bind(self.config.api.listen)?;
        let address = bound.address();
        let stores = (self.pool.clone(), self.redis.clone(), self.chain.clone());
        life.supervise("operations", bound.run(stores, telemetry::metrics()?, life.token()));
        Ok(address)
    }

    /// Starts every role but the API.
    fn start(&self, life: &Shutdown, roles: Roles) {
        let Self { config, pool, redis, chain } = self;
        if roles.relays() {
            let relay = relay::run(pool.clone(), redis.clone(), config.lease, life.token());
            life.supervise("relay", async {
                relay.await;
                Ok::<(), std::convert::Infallible>(())
            });
        }
        if roles.auction {
            let config = Arc::clone(config);
            let (pool, redis, chain) = (pool.clone(), redis.clone(), chain.clone());
            life.supervise("auction", auction::run(config, pool, redis, chain, life.token()));
        }
        if roles.settlement {
            let (pool, chain) = (pool.clone(), chain.clone());
            let config = Config::clone(config);
            life.supervise("settlement", settlement::run(config, pool, chain, life.token()));
        }
    }
}

/// Waits for Postgres, and refuses one without this binary's tables: a role that started all the
/// same would only fail at its first statement.
async fn await_schema(pool: &Pool, token: &CancellationToken) -> Result<(), ServeError> {
    loop {
        match schema::check(pool).await {
            Ok(()) => return Ok(()),
            Err(SchemaError::Store(error)) if error.retryable() => {
                tracing::warn!(%error, "waiting for Postgres");
                if sleep_or_cancelled(token, PAUSE).await {
                    return Err(ServeError::Stopped);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

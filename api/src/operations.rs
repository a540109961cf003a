//! Health and metrics of a process without the API's role: the operator's routes, nothing else.

use std::net::{SocketAddr, TcpListener};

use actix_web::{HttpServer, web::Data};
use infra::{chain::Chain, pg::Pool, redis, telemetry::Metrics};
use tokio_util::sync::CancellationToken;

use crate::{
    app::Deps,
    routes::{self, Vitals},
    server::{ApiError, stop_at},
};

/// A socket that listens for the operator; see [`Operations::run`].
#[derive(Debug)]
pub struct Operations {
    listener: TcpListener,
    address: SocketAddr,
}

impl Operations {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ApiError::Listen`].
    pub fn bind(address: SocketAddr) -> Result<Self, ApiError> {
        let failed = |error| ApiError::Listen(address, error);
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tracing::info!(%address, "listening for health and metrics");
        Ok(Self { listener, address })
    }

    /// The address that is listened on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `/health/live`, `/health/ready` and `/metrics` until `stop`.
    ///
    /// # Errors
    /// [`ApiError::Server`].
    pub async fn run(
        self,
        (pool, redis, chain): (Pool, redis::Store, Chain),
        metrics: Metrics,
        stop: CancellationToken,
    ) -> Result<(), ApiError> {
        let vitals = Data::new(Vitals { pool, redis, chain, metrics, stop: stop.clone() });
        let server = HttpServer::new(move || {
            actix_web::App::new()
                .app_data(vitals.clone())
                .service(routes::live)
                .service(routes::ready)
                .service(routes::metrics)
        })
        .workers(1)
        .disable_signals()
        .listen(self.listener)
        .map_err(|error| ApiError::Listen(self.address, error))?
        .run();
        let stopper = tokio::spawn(stop_at(server.handle(), stop.clone()));
        let served = server.await;
        stop.cancel();
        // it waits for a token that is cancelled and a server that has stopped
        let _ = stopper.await;
        served.map_err(ApiError::Server)
    }
}

/// What the API's own process tells its operator.
pub(crate) fn vitals(deps: &Deps, stop: &CancellationToken) -> Vitals {
    Vitals {
        pool: deps.pool.clone(),
        redis: deps.redis.clone(),
        chain: deps.chain.clone(),
        metrics: deps.metrics.clone(),
        stop: stop.clone(),
    }
}

//! Health and metrics: what every process tells its operator, whatever its roles.

use std::{future::Future, time::Duration};

use actix_web::{
    HttpResponse, get,
    http::StatusCode,
    web::{Data, Json},
};
use infra::{
    chain::Chain,
    pg::{self, Pool},
    redis,
    telemetry::Metrics,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// How long a dependency may take to answer.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// What health and metrics are told from.
#[derive(Clone)]
pub(crate) struct Vitals {
    pub(crate) pool: Pool,
    pub(crate) redis: redis::Store,
    pub(crate) chain: Chain,
    pub(crate) metrics: Metrics,
    /// A process that is stopping is not ready.
    pub(crate) stop: CancellationToken,
}

/// Body of `/health/live`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Live {
    /// `live`.
    status: &'static str,
}

/// Body of `/health/ready`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Whether everything answers.
    ready: bool,
    /// Postgres.
    postgres: DependencyState,
    /// Redis.
    redis: DependencyState,
    /// The chain's node.
    chain: DependencyState,
}

/// Whether a dependency answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DependencyState {
    /// It does.
    Up,
    /// It does not.
    Down,
}

/// Whether the process runs
#[utoipa::path(tag = "operations", responses((status = 200, description = "It does", body = Live)))]
#[get("/health/live")]
pub(crate) async fn live() -> Json<Live> {
    Json(Live { status: "live" })
}

/// Whether requests can be served: asks Postgres, Redis and the chain's node
#[utoipa::path(
    tag = "operations",
    responses(
        (status = 200, description = "Everything answers", body = Ready),
        (status = 503, description = "Something does not, or the process is stopping", body = Ready),
    )
)]
#[get("/health/ready")]
pub(crate) async fn ready(vitals: Data<Vitals>) -> HttpResponse {
    let (postgres, redis, chain) = tokio::join!(
        answers("postgres", pg::ping(&vitals.pool)),
        answers("redis", vitals.redis.ping()),
        answers("chain", vitals.chain.check_id()),
    );
    let up = [postgres, redis, chain].iter().all(|state| *state == DependencyState::Up);
    let ready = up && !vitals.stop.is_cancelled();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).json(Ready { ready, postgres, redis, chain })
}

async fn answers<E: std::fmt::Display>(
    name: &'static str,
    question: impl Future<Output = Result<(), E>>,
) -> DependencyState {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(Ok(())) => DependencyState::Up,
        Ok(Err(error)) => {
            tracing::warn!(%error, dependency = name, "not ready");
            DependencyState::Down
        }
        Err(_) => {
            tracing::warn!(dependency = name, "not ready: no answer in time");
            DependencyState::Down
        }
    }
}

/// Prometheus metrics
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain"))
)]
#[get("/metrics")]
pub(crate) async fn metrics(vitals: Data<Vitals>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(vitals.metrics.render())
}

//! From configuration to a listening server, and back to nothing.

use std::{
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

use actix_cors::Cors;
use actix_web::{
    HttpServer,
    body::MessageBody,
    dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
    http::header,
    middleware::from_fn,
    web::{self, Data},
};
use solvers::wire::Access;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa_actix_web::AppExt;

use crate::{
    app::{App, Deps},
    openapi::document_with_routes,
    operations::vitals,
    routes::{self, Documents, Routes, Vitals},
};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// Open connections of one worker.
const CONNECTIONS: usize = 16_384;
/// How long the head of a request may take.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// Why the role cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The server failed.
    #[error("the server failed: {0}")]
    Server(#[source] std::io::Error),
    /// A document cannot be written as JSON.
    #[error("the API's documents: {0}")]
    Documents(#[from] serde_json::Error),
}

/// A socket that listens; requests wait in its backlog until [`Bound::run`].
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    deps: Deps,
}

/// Listens on `api.listen`; port 0 takes a free one, which [`Bound::address`] tells.
///
/// # Errors
/// [`ApiError::Listen`].
pub fn bind(deps: Deps) -> Result<Bound, ApiError> {
    let wanted = deps.config.api.listen;
    let listen = |error| ApiError::Listen(wanted, error);
    let listener = TcpListener::bind(wanted).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    tracing::info!(%address, "listening");
    Ok(Bound { listener, address, deps })
}

/// [`bind`] and [`Bound::run`].
///
/// # Errors
/// [`ApiError`].
pub async fn run(deps: Deps, stop: CancellationToken) -> Result<(), ApiError> {
    bind(deps)?.run(stop).await
}

impl Bound {
    /// The address that is listened on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`: then streams close with the cursor to resume from, requests under
    /// way get `api.shutdown_ms` to finish, and every task is joined.
    ///
    /// # Errors
    /// [`ApiError::Server`], [`ApiError::Documents`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), ApiError> {
        let Self { listener, address, deps } = self;
        let config = deps.config.clone();
        // the groups end last: requests under way still need them
        let (tasks, drain) = (TaskTracker::new(), CancellationToken::new());
        let vitals = Data::new(vitals(&deps, &stop));
        let app = Data::new(App::start(deps, &tasks, &stop, &drain));
        let documents = Data::new(Documents {
            openapi: serde_json::to_vec(&crate::openapi())?.into(),
            asyncapi: serde_json::to_vec(&crate::asyncapi())?.into(),
        });
        let routes = Data::new(Routes::of(&crate::openapi()));
        let origins: Arc<[String]> = config.api.cors_origins.clone().into();
        let server = HttpServer::new(move || {
            service(Shared {
                app: app.clone(),
                vitals: vitals.clone(),
                documents: documents.clone(),
                routes: routes.clone(),
                origins: origins.clone(),
            })
        })
        .workers(workers(config.api.workers))
        .backlog(BACKLOG)
        .max_connections(CONNECTIONS)
        .client_request_timeout(HEAD_PATIENCE)
        .shutdown_timeout(config.api.shutdown_ms.div_ceil(1_000))
        .disable_signals()
        .listen(listener)
        .map_err(|error| ApiError::Listen(address, error))?
        .run();
        let stopper = tokio::spawn(stop_at(server.handle(), stop.clone()));
        let served = server.await;
        stop.cancel();
        drain.cancel();
        tasks.close();
        tasks.wait().await;
        // it waits for a token that is cancelled and a server that has stopped
        let _ = stopper.await;
        served.map_err(ApiError::Server)
    }
}

pub(crate) async fn stop_at(server: ServerHandle, stop: CancellationToken) {
    stop.cancelled().await;
    server.stop(true).await;
}

fn workers(configured: usize) -> usize {
    match configured {
        0 => available_parallelism().map_or(1, NonZeroUsize::get),
        configured => configured,
    }
}

/// What every worker's service is made of.
#[derive(Clone)]
struct Shared {
    app: Data<App>,
    vitals: Data<Vitals>,
    documents: Data<Documents>,
    routes: Data<Routes>,
    origins: Arc<[String]>,
}

fn service(
    shared: Shared,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let cors = cors(&shared.origins);
    let (app, _) = document_with_routes(actix_web::App::new().into_utoipa_app());
    app.app_data(shared.app)
        .app_data(shared.vitals)
        .app_data(shared.documents)
        .app_data(shared.routes)
        .app_data(web::QueryConfig::default().error_handler(|error, _| routes::bad_query(&error)))
        .app_data(web::PathConfig::default().error_handler(|error, _| routes::bad_path(&error)))
        .route("/", web::get().to(routes::explorer))
        .route("/docs", web::get().to(to_docs))
        .service(routes::docs())
        .default_service(web::to(routes::fallback))
        .wrap(from_fn(crate::admission::measure))
        .wrap(cors)
}

async fn to_docs() -> actix_web::HttpResponse {
    actix_web::HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}

/// Frontends on the configured origins may call everything; there are no cookies to protect.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "OPTIONS"])
        .allowed_headers([
            header::ACCEPT,
            header::CONTENT_TYPE,
            header::CACHE_CONTROL,
            header::IF_NONE_MATCH,
            header::HeaderName::from_static("last-event-id"),
        ])
        .allowed_headers(Access::HEADERS)
        .expose_headers([header::RETRY_AFTER, header::ETAG])
        .max_age(3_600);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

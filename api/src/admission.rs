//! What a request must pass before any work is done for it.

use std::{
    future::{Ready, ready},
    hash::Hash,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    FromRequest, HttpRequest,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use alloy_primitives::Address;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use infra::config::ApiConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    app::App,
    limit::{Limiter, Rate},
    problem::{Code, Problem},
};

/// How long a read waits for its turn.
const READING_PATIENCE: Duration = Duration::from_secs(2);
/// Reads that have the node asked at once: of its permits these leave the most to bids and intents.
const ASKING: usize = 4;

/// How many keys each limiter remembers.
const KEYS: usize = 65_536;

/// The permits and the rate limits of one process.
#[derive(Debug)]
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    records: Arc<Semaphore>,
    asking: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    trust_proxy: bool,
    by_ip: Limiter<IpAddr>,
    by_owner: Limiter<Address>,
    by_solver: Limiter<Address>,
}

impl Gate {
    pub(crate) fn new(config: &ApiConfig) -> Self {
        // a second's worth at once: wallets and solvers send in bursts
        let rate = |per_second: u32| Rate::new(per_second, per_second);
        Self {
            permits: Arc::new(Semaphore::new(config.intake_permits)),
            records: Arc::new(Semaphore::new(config.record_permits)),
            asking: Arc::new(Semaphore::new(ASKING)),
            streams: Arc::new(Semaphore::new(config.max_streams)),
            trust_proxy: config.trust_proxy,
            by_ip: Limiter::new(rate(config.ip_per_second), KEYS),
            by_owner: Limiter::new(rate(config.owner_per_second), KEYS),
            by_solver: Limiter::new(rate(config.solver_per_second), KEYS),
        }
    }

    /// A permit to work on one writing request.
    pub(crate) fn permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = self.permits.clone().try_acquire_owned();
        permit.map_err(|_| busy("as many requests as can be worked on are"))
    }

    /// A place to read a record, waited for in the order of asking.
    pub(crate) fn reading(&self) -> impl Future<Output = Result<Reading, Problem>> + 'static {
        let place = in_turn(&self.records, "as many records as can be read at once are");
        async move { Ok(Reading { _permit: place.await? }) }
    }

    /// A place to have the node asked, waited for likewise.
    pub(crate) fn asking(&self) -> impl Future<Output = Result<Asking, Problem>> + 'static {
        let place = in_turn(&self.asking, "the node is asked as much as it may be");
        async move { Ok(Asking { _permit: place.await? }) }
    }

    /// A place for one stream.
    pub(crate) fn stream(&self) -> Result<Place, Problem> {
        let permit = self.streams.clone().try_acquire_owned().map_err(|_| {
            Problem::new(Code::Busy, "as many streams as can be served are").retry_after(5)
        })?;
        metrics::gauge!("gavel_api_streams").increment(1.0);
        Ok(Place { _permit: permit })
    }

    /// One request that writes, reads a whole record or has the node asked, of an address on the network.
    pub(crate) fn ip(&self, ip: IpAddr) -> Result<(), Problem> {
        take(&self.by_ip, &ip, "address")
    }

    /// One intent or cancellation of an owner. Asked only once the owner's signature is checked,
    /// so that nobody can use up another's rate.
    pub(crate) fn owner(&self, owner: Address) -> Result<(), Problem> {
        take(&self.by_owner, &owner, "owner")
    }

    /// One bid of a solver, by its checked signing key.
    pub(crate) fn solver(&self, solver: Address) -> Result<(), Problem> {
        take(&self.by_solver, &solver, "solver")
    }

    /// Where a request comes from. Behind a trusted proxy, the last address it added.
    pub(crate) fn origin(&self, request: &HttpRequest) -> IpAddr {
        let forwarded = || {
            let header = request.headers().get_all("x-forwarded-for").last()?;
            header.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        };
        let peer = || request.peer_addr().map(|addr| addr.ip());
        let forwarded = if self.trust_proxy { forwarded() } else { None };
        forwarded.or_else(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

fn in_turn(
    places: &Arc<Semaphore>,
    full: &'static str,
) -> impl Future<Output = Result<OwnedSemaphorePermit, Problem>> + 'static {
    let place = tokio::time::timeout(READING_PATIENCE, Arc::clone(places).acquire_owned());
    async move { place.await.ok().and_then(Result::ok).ok_or_else(|| busy(full)) }
}

fn busy(detail: &str) -> Problem {
    Problem::new(Code::Busy, detail).retry_after(1)
}

fn take<K: Eq + Hash + Clone>(limiter: &Limiter<K>, key: &K, whose: &str) -> Result<(), Problem> {
    limiter.take(key, Instant::now()).map_err(|wait| {
        let seconds = wait.saturating_add(Duration::from_millis(999)).as_secs().max(1);
        let detail = format!("too many requests of this {whose}");
        Problem::new(Code::RateLimited, detail).retry_after(seconds)
    })
}

/// A place among the streams; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!("gavel_api_streams").decrement(1.0);
    }
}

/// A writing request that was let in; the permit comes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    _permit: OwnedSemaphorePermit,
}

impl FromRequest for Admitted {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready((|| {
            let app = App::of(request)?;
            app.gate.ip(app.gate.origin(request))?;
            Ok(Self { _permit: app.gate.permit()? })
        })())
    }
}

/// A request for a whole record that was let in: a record may be megabytes, decoded and encoded. The
/// permit comes back when it is dropped, which is not when a slow client has read it all.
#[derive(Debug)]
pub(crate) struct Reading {
    _permit: OwnedSemaphorePermit,
}

impl FromRequest for Reading {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let let_in = App::of(request).and_then(|app| {
            app.gate.ip(app.gate.origin(request))?;
            Ok(app.gate.reading())
        });
        async move { let_in?.await }.boxed_local()
    }
}

/// A read that was let in to have the node asked; drop it when that is done.
#[derive(Debug)]
pub(crate) struct Asking {
    _permit: OwnedSemaphorePermit,
}

impl FromRequest for Asking {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let let_in = App::of(request).and_then(|app| {
            app.gate.ip(app.gate.origin(request))?;
            Ok(app.gate.asking())
        });
        async move { let_in?.await }.boxed_local()
    }
}

impl App {
    /// The state a request runs on.
    pub(crate) fn of(request: &HttpRequest) -> Result<&Self, Problem> {
        let app = request.app_data::<Data<Self>>();
        app.map(|app| app.get_ref()).ok_or_else(|| Problem::from(crate::problem::Failure::Internal))
    }
}

/// Counts and times every request by its route, so that ids in paths make no new series.
pub(crate) async fn measure(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let started = Instant::now();
    let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
    let response = next.call(request).await?;
    let status = response.status().as_u16().to_string();
    metrics::counter!("gavel_api_requests_total", "route" => route.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("gavel_api_request_seconds", "route" => route).record(started.elapsed());
    Ok(response)
}

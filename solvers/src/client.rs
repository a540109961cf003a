//! A typed client of the public API: what any solver or wallet could write for itself.

use std::time::Duration;

use alloy_primitives::Address;
use domain::{AuctionId, IntentId};
use reqwest::{RequestBuilder, Response, Url};
use serde::{Serialize, de::DeserializeOwned};

use crate::wire::{
    AuctionPage, AuctionView, BidAccepted, BidSubmission, CancelAnswer, CancelRequest, ChainInfo,
    Cursor, EventPage, IntentPage, IntentSubmission, IntentView, SolverView, SubscribeFrom,
    Timeline,
};

mod backoff;
mod error;
mod events;
mod frame;
mod record;

pub use error::ClientError;
pub use events::EventSource;
pub use frame::StreamItem;

/// How long a request may take, from connecting to the last byte.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a stream may be silent before its connection counts as lost. Heartbeats come oftener.
const STREAM_SILENCE: Duration = Duration::from_secs(60);

/// A client of one Gavel API. Cheap to clone; connections are pooled.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    streaming: reqwest::Client,
}

impl Client {
    /// A client of the API at `base`, e.g. `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`] if it is no http or https URL, [`ClientError::Setup`] if the HTTP
    /// client cannot be built.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        let url = reqwest::Url::parse(base).ok();
        if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(ClientError::BaseUrl(base.to_owned()));
        }
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            http: infra::http::client(REQUEST_TIMEOUT)?,
            streaming: infra::http::streaming_client(REQUEST_TIMEOUT, STREAM_SILENCE)?,
        })
    }

    /// `GET /v1/chain`: what is signed, where, and the tokens.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn chain(&self) -> Result<ChainInfo, ClientError> {
        self.get("/v1/chain", &[]).await
    }

    /// `POST /v1/intents`. The same intent again returns the same view.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn post_intent(&self, intent: &IntentSubmission) -> Result<IntentView, ClientError> {
        self.post("/v1/intents", intent).await
    }

    /// `GET /v1/intents/{id}`.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn intent(&self, id: IntentId) -> Result<IntentView, ClientError> {
        self.get(&format!("/v1/intents/{id}"), &[]).await
    }

    /// `GET /v1/intents`: a page of the intents of `owner`, or of everybody.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn intents(
        &self,
        owner: Option<Address>,
        after: Option<&str>,
    ) -> Result<IntentPage, ClientError> {
        let owner = owner.map(|owner| owner.to_string());
        let query = [("owner", owner.as_deref()), ("after", after)];
        self.get("/v1/intents", &query).await
    }

    /// `GET /v1/intents/{id}/timeline`.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn timeline(&self, id: IntentId) -> Result<Timeline, ClientError> {
        self.get(&format!("/v1/intents/{id}/timeline"), &[]).await
    }

    /// `POST /v1/intents/cancel`: an honest answer for each intent.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn cancel(&self, request: &CancelRequest) -> Result<CancelAnswer, ClientError> {
        self.post("/v1/intents/cancel", request).await
    }

    /// `GET /v1/auctions/{id}`.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn auction(&self, id: AuctionId) -> Result<AuctionView, ClientError> {
        self.get(&format!("/v1/auctions/{id}"), &[]).await
    }

    /// `GET /v1/auctions`: a page.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn auctions(&self, after: Option<&str>) -> Result<AuctionPage, ClientError> {
        self.get("/v1/auctions", &[("after", after)]).await
    }

    /// `GET /v1/solvers/{address}`.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn solver(&self, solver: Address) -> Result<SolverView, ClientError> {
        self.get(&format!("/v1/solvers/{solver}"), &[]).await
    }

    /// `POST /v1/auctions/{id}/bids`, for the auction the bid names. The same bid again returns the
    /// first receipt; whether to believe a receipt is [`Receipt::verify`]'s answer. A bid that breaks
    /// a rule is taken all the same: the answer's advice says which.
    ///
    /// [`Receipt::verify`]: crate::wire::Receipt::verify
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`]; a nack is [`ClientError::Refused`].
    pub async fn submit_bid(&self, bid: &BidSubmission) -> Result<BidAccepted, ClientError> {
        let path = format!("/v1/auctions/{}/bids", bid.signed.bid.terms().auction_id);
        self.post(&path, bid).await
    }

    /// `GET /v1/events` as JSON: a page of the events after a cursor.
    ///
    /// # Errors
    /// Those of any request: see [`ClientError`].
    pub async fn events_after(&self, cursor: Cursor) -> Result<EventPage, ClientError> {
        self.get("/v1/events", &[("after", Some(&cursor.to_string()))]).await
    }

    /// `GET /v1/events` as a stream that heals itself: see [`EventSource`].
    #[must_use]
    pub fn events(&self, from: SubscribeFrom) -> EventSource {
        EventSource::new(self.clone(), from)
    }

    async fn open_stream(&self, from: SubscribeFrom) -> Result<Response, ClientError> {
        let query = match from {
            SubscribeFrom::Snapshot => "?from=snapshot",
            SubscribeFrom::Now => "?from=now",
            SubscribeFrom::After(_) => "",
        };
        let request = self.streaming.get(format!("{}/v1/events{query}", self.base));
        let request = request.header("accept", "text/event-stream");
        let request = match from {
            SubscribeFrom::After(cursor) => request.header("last-event-id", cursor.to_string()),
            SubscribeFrom::Snapshot | SubscribeFrom::Now => request,
        };
        accepted(request.send().await?).await
    }

    async fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<&str>)],
    ) -> Result<A, ClientError> {
        answer(self.http.get(self.url(path, query)?)).await
    }

    fn url(&self, path: &str, query: &[(&str, Option<&str>)]) -> Result<Url, ClientError> {
        let url = Url::parse(&format!("{}{path}", self.base));
        let mut url = url.map_err(|_| ClientError::BaseUrl(self.base.clone()))?;
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Ok(url)
    }

    async fn post<B: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<A, ClientError> {
        answer(self.http.post(format!("{}{path}", self.base)).json(body)).await
    }
}

async fn answer<A: DeserializeOwned>(request: RequestBuilder) -> Result<A, ClientError> {
    let request = request.header("accept", "application/json");
    let body = accepted(request.send().await?).await?.bytes().await?;
    serde_json::from_slice(&body).map_err(ClientError::Unreadable)
}

/// Passes a success on; turns anything else into what its body says.
async fn accepted(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after = retry_after.map(Duration::from_secs);
    let body = response.bytes().await?;
    Err(match serde_json::from_slice(&body) {
        Ok(nack) => ClientError::Refused { nack: Box::new(nack), retry_after },
        Err(_) => {
            ClientError::Status { status: status.as_u16(), transient: status.is_server_error() }
        }
    })
}

#[cfg(test)]
mod tests;

//! Reads a request's body as one JSON object, within bounds of size and time.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header,
    web::{BufMut, BytesMut},
};
use futures_util::StreamExt;
use serde_json::{Map, Value};

use crate::{
    app::App,
    problem::{Code, Problem},
};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A JSON object of at most `api.max_body_bytes`.
#[derive(Debug)]
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

impl FromRequest for JsonObject {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = check_head(request);
        let payload = payload.take();
        Box::pin(async move {
            let read = read(payload, head?);
            match tokio::time::timeout(PATIENCE, read).await {
                Ok(bytes) => parse(&bytes?).map(Self),
                Err(_) => Err(Problem::new(Code::RequestTimeout, "the body took too long")),
            }
        })
    }
}

/// Refuses by the headers alone what cannot be read anyway; the size limit otherwise.
fn check_head(request: &HttpRequest) -> Result<usize, Problem> {
    let limit = App::of(request)?.config.api.max_body_bytes;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let detail = "the body must be sent as content-type: application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    Ok(limit)
}

async fn read(mut payload: Payload, limit: usize) -> Result<BytesMut, Problem> {
    let mut body = BytesMut::with_capacity(1_024);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "body");
            Problem::new(Code::MalformedJson, "the body broke off")
        })?;
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        body.put(chunk);
    }
    Ok(body)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("the body must be at most {limit} bytes"))
}

/// One JSON object, and nothing behind it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::new(Code::MalformedJson, "the body must be a JSON object")),
        // serde_json's text for a syntax error: what was expected, line and column
        Err(error) => Err(Problem::new(Code::MalformedJson, error.to_string())),
    }
}

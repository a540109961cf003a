//! `GET /v1/stream`: the stream over a WebSocket, and bids the other way.

mod session;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header,
    web::{Data, Payload},
};

use crate::{
    app::App,
    problem::{Code, Problem},
};

/// The stream over a WebSocket
///
/// The client says `subscribe`, `bid.submit` and `ping`; the server `hello`, `snapshot`, `event`,
/// `heartbeat`, `bid.ack`, `bid.nack`, `error`, `pong`, `resync_required`. See the AsyncAPI
/// document for every message.
#[utoipa::path(
    tag = "stream",
    responses((status = 101, description = "The WebSocket of `intent-stream.v1`"))
)]
#[get("/v1/stream")]
pub(crate) async fn open_stream(
    app: Data<App>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    if !upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")) {
        let detail = "open this path as a WebSocket, or use GET /v1/events";
        return Err(Problem::new(Code::UpgradeRequired, detail));
    }
    if app.stop.is_cancelled() {
        return Err(Problem::new(Code::ShuttingDown, "shutting down").retry_after(1));
    }
    let origin = app.gate.origin(&request);
    app.gate.ip(origin)?;
    let place = app.gate.stream()?;
    let (response, socket, messages) = actix_ws::handle(&request, body).map_err(|error| {
        Problem::new(Code::MessageInvalid, format!("not a WebSocket handshake: {error}"))
    })?;
    let limit = app.config.api.max_body_bytes;
    let messages = messages.max_frame_size(limit).aggregate_continuations();
    let messages = messages.max_continuation_size(limit);
    actix_web::rt::spawn(session::run(app, origin, place, socket, messages));
    Ok(response)
}

//! `GET /v1/events`: the stream as Server-Sent Events, or a page of its history as JSON.

use std::fmt::Write as _;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header,
    web::{Bytes, Data, Query},
};
use futures_util::stream;
use infra::pg::event;
use serde::{Deserialize, Serialize};
use solvers::wire::{Cursor, EventPage, SubscribeFrom};
use utoipa::IntoParams;

use super::query::{connection, limit};
use crate::{
    admission::Place,
    app::App,
    problem::{Code, Problem},
    stream::{Frame, Item, Subscription, standing, unknown},
};

/// Events on a page of history at most.
const MAX_EVENTS: u32 = 1_000;

/// Where to start.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// The last event seen, `epoch:seq`. `Last-Event-ID` goes before it.
    #[param(pattern = "^[0-9]+:[0-9]+$")]
    after: Option<String>,
    /// `snapshot`: the present state first. `now`: only what comes. For streams without `after`.
    #[param(pattern = "^(snapshot|now)$")]
    from: Option<String>,
    /// For a JSON page: how many, 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// The public stream
///
/// With `Accept: text/event-stream` (or no preference) Server-Sent Events: `hello`, then perhaps
/// `snapshot` parts, then every event with its cursor as `id`, `heartbeat` while nothing happens,
/// `resync_required` if events were lost to this reader, `closing` with the cursor to resume from
/// at a shutdown. A browser's EventSource resumes by itself. With `Accept: application/json` one
/// page of history after `after`.
#[utoipa::path(
    tag = "stream",
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "The last event seen, `epoch:seq`")),
    responses((status = 200, description = "The stream, or a page of its history", content(
        (String = "text/event-stream"),
        (EventPage = "application/json"),
    )))
)]
#[get("/v1/events")]
pub(crate) async fn get_events(
    app: Data<App>,
    request: HttpRequest,
    query: Query<EventsQuery>,
) -> Result<HttpResponse, Problem> {
    let seen = last_seen(&request, &query)?;
    match wanted(&request)? {
        Form::Json => page(&app, seen, limit(query.limit, MAX_EVENTS)?).await,
        Form::Sse => {
            let from = match (seen, query.from.as_deref()) {
                (Some(cursor), _) => SubscribeFrom::After(cursor),
                (None, None | Some("now")) => SubscribeFrom::Now,
                (None, Some("snapshot")) => SubscribeFrom::Snapshot,
                (None, Some(_)) => {
                    return Err(Problem::parameter("from", "must be snapshot or now"));
                }
            };
            if app.stop.is_cancelled() {
                return Err(Problem::new(Code::ShuttingDown, "shutting down").retry_after(1));
            }
            app.gate.ip(app.gate.origin(&request))?;
            let place = app.gate.stream()?;
            Ok(server_sent(Subscription::greeted(&app, from).await?, place))
        }
    }
}

fn last_seen(request: &HttpRequest, query: &EventsQuery) -> Result<Option<Cursor>, Problem> {
    let header = request.headers().get("last-event-id").map(|value| value.to_str());
    let text = match header {
        Some(Ok(text)) if !text.is_empty() => Some(("Last-Event-ID", text)),
        Some(Err(_)) => return Err(Problem::parameter("Last-Event-ID", "is no text")),
        Some(Ok(_)) | None => query.after.as_deref().map(|text| ("after", text)),
    };
    let Some((name, text)) = text else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Problem::parameter(name, "must be epoch:seq"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Sse,
    Json,
}

/// By `Accept`: whichever of the two is named first; SSE where neither is.
fn wanted(request: &HttpRequest) -> Result<Form, Problem> {
    let Some(accept) = request.headers().get(header::ACCEPT) else { return Ok(Form::Sse) };
    let accept = accept.to_str().unwrap_or_default().to_ascii_lowercase();
    for range in accept.split(',') {
        match range.split(';').next().unwrap_or_default().trim() {
            "text/event-stream" | "text/*" | "*/*" | "" => return Ok(Form::Sse),
            "application/json" | "application/*" => return Ok(Form::Json),
            _ => {}
        }
    }
    let detail = "text/event-stream or application/json can be had";
    Err(Problem::new(Code::NotAcceptable, detail))
}

async fn page(app: &App, seen: Option<Cursor>, limit: u32) -> Result<HttpResponse, Problem> {
    let (head, oldest) = standing(app).await?;
    let first = Cursor { epoch: head.epoch, seq: oldest.saturating_sub(1) };
    let after = seen.unwrap_or(first);
    if let Some(reason) = unknown(after, head, oldest) {
        let detail = format!("cannot resume after {after} ({reason}); start from a snapshot");
        return Err(Problem::new(Code::ResyncRequired, detail));
    }
    let mut conn = connection(&app.pool).await?;
    let events = event::after(&mut conn, app.domain.chain_id(), after.seq, limit).await?;
    // the stored bodies are passed through as they are
    let mut body = String::from("{\"items\":[");
    let mut next = after;
    for (n, event) in events.iter().enumerate() {
        if n > 0 {
            body.push(',');
        }
        body.push_str(&event.json());
        next = Cursor { epoch: event.epoch, seq: event.seq };
    }
    let _ = write!(body, "],\"next\":\"{next}\"}}");
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

fn server_sent(subscription: Subscription, place: Place) -> HttpResponse {
    let frames = stream::unfold((subscription, place), |(mut subscription, place)| async move {
        let item = subscription.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(frame(&item)), (subscription, place)))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache, no-transform"))
        // proxies that buffer would hold events back
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(frames))
}

#[derive(Serialize)]
struct Closing {
    cursor: Cursor,
}

fn frame(item: &Item) -> Bytes {
    match item {
        Item::Event(frame) => Frame::sse(frame),
        Item::Hello(hello) => named("hello", None, hello),
        Item::Snapshot(part) => {
            // resuming in the middle of a snapshot would miss the rest of it
            let id = part.last.then_some(part.cursor);
            named("snapshot", id, part)
        }
        Item::Heartbeat(heartbeat) => named("heartbeat", None, heartbeat),
        Item::Resync(resync) => named("resync_required", None, resync),
        Item::Closing(cursor) => named("closing", None, &Closing { cursor: *cursor }),
    }
}

fn named(event: &str, id: Option<Cursor>, data: &impl Serialize) -> Bytes {
    let id = id.map(|cursor| format!("id: {cursor}\n")).unwrap_or_default();
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("{id}event: {event}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn accept_chooses_between_the_stream_and_a_page() {
        let form = |accept: &str| {
            let request = TestRequest::get().insert_header((header::ACCEPT, accept));
            wanted(&request.to_http_request()).ok()
        };
        assert_eq!(form("text/event-stream"), Some(Form::Sse));
        assert_eq!(form("*/*"), Some(Form::Sse));
        assert_eq!(form("application/json, text/plain, */*"), Some(Form::Json));
        assert_eq!(form("text/html, application/json;q=0.9"), Some(Form::Json));
        assert_eq!(form("image/png"), None);
        assert_eq!(wanted(&TestRequest::get().to_http_request()).ok(), Some(Form::Sse));
    }

    #[test]
    fn the_last_event_id_goes_before_the_query() {
        let query = EventsQuery { after: Some("1:2".to_owned()), from: None, limit: None };
        let plain = TestRequest::get().to_http_request();
        assert_eq!(last_seen(&plain, &query).unwrap(), Some(Cursor { epoch: 1, seq: 2 }));
        let resumed = TestRequest::get().insert_header(("last-event-id", "1:7"));
        let resumed = last_seen(&resumed.to_http_request(), &query).unwrap();
        assert_eq!(resumed, Some(Cursor { epoch: 1, seq: 7 }));
        let bad = TestRequest::get().insert_header(("last-event-id", "seven"));
        assert!(last_seen(&bad.to_http_request(), &query).is_err());
    }
}

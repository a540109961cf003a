//! `GET /v1/intents/{id}/timeline`

use actix_web::{
    get,
    web::{Data, Json, Path, Query},
};
use infra::pg::{intent, timeline};
use serde::Deserialize;
use serde_json::Value;
use solvers::wire::{Timeline, TimelineEntry};
use utoipa::IntoParams;

use super::{
    super::query::{MAX_PAGE, connection, cursor, limit},
    id, unknown,
};
use crate::{app::App, problem::Problem};

/// Which page of the timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TimelineQuery {
    /// The last page's `next`.
    after: Option<String>,
    /// How many, 100 unless told.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// What happened to an intent, and why it is not filled
#[utoipa::path(
    tag = "intents",
    params(("id" = String, Path, description = "The intent's EIP-712 digest"), TimelineQuery),
    responses((status = 200, description = "Its history, oldest first", body = Timeline))
)]
#[get("/v1/intents/{id}/timeline")]
pub(crate) async fn get_timeline(
    app: Data<App>,
    path: Path<String>,
    query: Query<TimelineQuery>,
) -> Result<Json<Timeline>, Problem> {
    let id = id(&path)?;
    let (after, limit) = (cursor(query.after.as_deref())?, limit(query.limit, MAX_PAGE)?);
    let mut conn = connection(&app.pool).await?;
    let mut lines = timeline::of(&mut conn, id, after, limit + 1).await?;
    if lines.is_empty() && intent::get(&mut conn, app.domain.chain_id(), id).await?.is_none() {
        return Err(unknown(id));
    }
    let full = lines.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if full {
        lines.pop();
    }
    let next = lines.last().filter(|_| full).map(|(number, _)| number.to_string());
    let items = lines.into_iter().map(|(_, line)| entry(line)).collect();
    Ok(Json(Timeline { items, next }))
}

fn entry(line: timeline::Line) -> TimelineEntry {
    let detail = match line.detail {
        Value::Object(detail) => detail,
        other => [("value".to_owned(), other)].into_iter().collect(),
    };
    TimelineEntry { at_ms: line.at_ms, kind: line.kind, detail }
}

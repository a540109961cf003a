//! `GET /v1/intents`

use actix_web::{
    get,
    web::{Data, Json, Query},
};
use domain::status::IntentStatus;
use infra::pg::intent::{self, Filter};
use serde::Deserialize;
use solvers::wire::{IntentPage, IntentView};
use utoipa::IntoParams;

use super::super::query::{MAX_PAGE, address, connection, cursor, limit};
use crate::{app::App, intake::view, problem::Problem};

/// Which intents, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only this owner's.
    #[param(pattern = "^0x[0-9a-fA-F]{40}$")]
    owner: Option<String>,
    /// Only with this status.
    status: Option<IntentStatus>,
    /// The last page's `next`.
    after: Option<String>,
    /// How many, 100 unless told.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Intents in the order of their arrival, a page at a time
#[utoipa::path(
    tag = "intents",
    params(ListQuery),
    responses((status = 200, description = "A page", body = IntentPage))
)]
#[get("/v1/intents")]
pub(crate) async fn list_intents(
    app: Data<App>,
    query: Query<ListQuery>,
) -> Result<Json<IntentPage>, Problem> {
    let owner = query.owner.as_deref().map(|text| address("owner", text)).transpose()?;
    let filter = Filter { owner, status: query.status };
    let (after, limit) = (cursor(query.after.as_deref())?, limit(query.limit, MAX_PAGE)?);
    let mut conn = connection(&app.pool).await?;
    // one more than asked for tells whether there is a next page
    let chain_id = app.domain.chain_id();
    let mut rows = intent::after(&mut conn, chain_id, filter, after, limit + 1).await?;
    let full = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if full {
        rows.pop();
    }
    let next = rows.last().filter(|_| full).map(|row| row.arrival.to_string());
    let items: Vec<IntentView> = rows.into_iter().map(view).collect();
    Ok(Json(IntentPage { items, next }))
}

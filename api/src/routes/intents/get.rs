//! `GET /v1/intents/{id}`

use actix_web::{
    get,
    web::{Data, Json, Path},
};
use infra::pg::intent;
use solvers::wire::IntentView;

use super::{super::query::connection, id, unknown};
use crate::{app::App, intake::view, problem::Problem};

/// One intent and where it stands
#[utoipa::path(
    tag = "intents",
    params(("id" = String, Path, description = "The intent's EIP-712 digest")),
    responses((status = 200, description = "The intent", body = IntentView))
)]
#[get("/v1/intents/{id}")]
pub(crate) async fn get_intent(
    app: Data<App>,
    path: Path<String>,
) -> Result<Json<IntentView>, Problem> {
    let id = id(&path)?;
    let mut conn = connection(&app.pool).await?;
    let row = intent::get(&mut conn, app.domain.chain_id(), id).await?;
    Ok(Json(view(row.ok_or_else(|| unknown(id))?)))
}

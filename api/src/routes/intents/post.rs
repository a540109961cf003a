//! `POST /v1/intents`

use actix_web::{HttpResponse, post, web::Data};
use solvers::wire::{IntentSubmission, IntentView};

use crate::{admission::Admitted, app::App, body::JsonObject, intake, problem::Problem};

/// Post a signed intent
///
/// After 201 or 200 the intent is durable: it will be cut into auctions until it is filled,
/// cancelled or expired. Posting the same intent again is answered with 200 and the same intent.
#[utoipa::path(
    tag = "intents",
    request_body = IntentSubmission,
    responses(
        (status = 201, description = "It is in the book", body = IntentView),
        (status = 200, description = "It was there already", body = IntentView),
    )
)]
#[post("/v1/intents")]
pub(crate) async fn post_intent(
    app: Data<App>,
    _admitted: Admitted,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let accepted = intake::accept(&app, &body.0).await?;
    let mut response = if accepted.new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(accepted.view))
}

//! `POST /v1/auctions/{id}/bids`

use actix_web::{
    HttpResponse, post,
    web::{Data, Path},
};
use domain::AuctionId;
use solvers::wire::{BidAccepted, BidSubmission};

use crate::{admission::Admitted, app::App, bids, body::JsonObject, problem::Problem};

/// Send a sealed bid
///
/// Refused is only what cannot be attributed to a solver in good standing, or is late. A bid that
/// breaks a rule of the auction is taken and gets its receipt and its verdict; `advice` tells
/// which rule. The same bid again gets the same receipt.
#[utoipa::path(
    tag = "auctions",
    params(("id" = u64, Path, description = "The auction's number")),
    request_body = BidSubmission,
    responses(
        (status = 201, description = "It has its place", body = BidAccepted),
        (status = 200, description = "It had its place already", body = BidAccepted),
    )
)]
#[post("/v1/auctions/{id}/bids")]
pub(crate) async fn post_bid(
    app: Data<App>,
    path: Path<u64>,
    _admitted: Admitted,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let accepted = bids::submit(&app, AuctionId::new(*path), body.0).await?;
    let mut response = if accepted.new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(accepted.answer))
}

//! `GET /v1/auctions/{id}`

use actix_web::{
    get,
    web::{Data, Json, Path},
};
use infra::pg::settlement;
use solvers::wire::AuctionView;

use super::{super::query::connection, stored::stored, view};
use crate::{admission::Reading, app::App, problem::Problem};

/// One auction, as far as it is public
///
/// The bids are at `/v1/auctions/{id}/bids`, the whole record at `/v1/auctions/{id}/export`.
#[utoipa::path(
    tag = "auctions",
    params(("id" = u64, Path, description = "The auction's number")),
    responses((status = 200, description = "The auction", body = AuctionView))
)]
#[get("/v1/auctions/{id}")]
pub(crate) async fn get_auction(
    app: Data<App>,
    _reading: Reading,
    path: Path<u64>,
) -> Result<Json<AuctionView>, Problem> {
    let mut conn = connection(&app.pool).await?;
    let stored = stored(&app, &mut conn, *path).await?;
    let id = stored.opening.auction_id;
    let settlements = settlement::public_of(&mut conn, app.domain.chain_id(), &[id]).await?;
    Ok(Json(view::auction(stored, &settlements)))
}

//! `GET /v1/auctions`

use actix_web::{
    get,
    web::{Data, Json, Query},
};
use domain::AuctionId;
use infra::pg::{auction, settlement};
use serde::Deserialize;
use solvers::wire::AuctionPage;
use utoipa::IntoParams;

use super::{
    super::query::{connection, cursor, limit},
    view,
};
use crate::{admission::Reading, app::App, problem::Problem};

/// The most auctions on a page: each holds all its intents.
const MAX_AUCTIONS: u32 = 100;

/// Which page of the auctions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuctionsQuery {
    /// The last page's `next`, or an auction's number.
    after: Option<String>,
    /// How many, 100 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Auctions in the order of their numbers, a page at a time
#[utoipa::path(
    tag = "auctions",
    params(AuctionsQuery),
    responses((status = 200, description = "A page, without the bids", body = AuctionPage))
)]
#[get("/v1/auctions")]
pub(crate) async fn list_auctions(
    app: Data<App>,
    _reading: Reading,
    query: Query<AuctionsQuery>,
) -> Result<Json<AuctionPage>, Problem> {
    let after = u64::try_from(cursor(query.after.as_deref())?).unwrap_or_default();
    let limit = limit(query.limit, MAX_AUCTIONS)?;
    let chain_id = app.domain.chain_id();
    let mut conn = connection(&app.pool).await?;
    let mut stored = auction::after(&mut conn, chain_id, after, limit + 1).await?;
    let full = stored.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if full {
        stored.pop();
    }
    let ids: Vec<AuctionId> = stored.iter().map(|stored| stored.opening.auction_id).collect();
    let settlements = settlement::public_of(&mut conn, chain_id, &ids).await?;
    let next = ids.last().filter(|_| full).map(ToString::to_string);
    let items = stored.into_iter().map(|stored| view::auction(stored, &settlements)).collect();
    Ok(Json(AuctionPage { items, next }))
}

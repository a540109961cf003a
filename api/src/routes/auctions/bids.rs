//! `GET /v1/auctions/{id}/bids`: what was sealed, once it is public.

use std::collections::{HashMap, HashSet};

use actix_web::{
    get,
    web::{Data, Json, Path, Query},
};
use domain::{BidId, auction::Ruling};
use infra::pg::{
    auction::{Outcome, StoredAuction},
    bid::{self, Page, PlacedBid},
};
use serde::Deserialize;
use solvers::wire::{BidPage, PublishedBid};
use sqlx::PgConnection;
use utoipa::IntoParams;

use super::{
    super::query::{address, connection, limit},
    stored::{published, stored},
    view,
};
use crate::{admission::Reading, app::App, problem::Problem};

/// Bids on a page at most; each may be as long as `auction.max_bid_bytes`.
pub(super) const MAX_BIDS: u32 = 100;

/// Which page of an auction's bids.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BidsQuery {
    /// The last page's `next`: a place in the stream, `ms-seq`.
    #[param(pattern = "^[0-9]+-[0-9]+$")]
    after: Option<String>,
    /// How many, 100 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Only this solver's.
    #[param(pattern = "^0x[0-9a-fA-F]{40}$")]
    solver: Option<String>,
}

/// Every bid of a published auction with its verdict, a page at a time
///
/// In the order of the stream. Before the auction is published: 409 `auction_sealed`.
#[utoipa::path(
    tag = "auctions",
    params(("id" = u64, Path, description = "The auction's number"), BidsQuery),
    responses((status = 200, description = "A page of bids", body = BidPage))
)]
#[get("/v1/auctions/{id}/bids")]
pub(crate) async fn get_bids(
    app: Data<App>,
    _reading: Reading,
    path: Path<u64>,
    query: Query<BidsQuery>,
) -> Result<Json<BidPage>, Problem> {
    let (after, limit) = (place(query.after.as_deref())?, limit(query.limit, MAX_BIDS)?);
    let solver = query.solver.as_deref().map(|text| address("solver", text)).transpose()?;
    let mut conn = connection(&app.pool).await?;
    let auction = stored(&app, &mut conn, *path).await?;
    published(&auction)?;
    let wanted = Page { auction: auction.opening.auction_id, solver, after, limit };
    Ok(Json(page(&app, &mut conn, (&auction, wanted), |bid| bid).await?))
}

/// A page of bids, each as `show` lets it be seen.
pub(super) async fn page(
    app: &App,
    conn: &mut PgConnection,
    (auction, wanted): (&StoredAuction, Page),
    show: impl Fn(PublishedBid) -> PublishedBid,
) -> Result<BidPage, Problem> {
    let one_more = Page { limit: wanted.limit + 1, ..wanted };
    let mut rows: Vec<PlacedBid> = bid::page(conn, app.domain.chain_id(), one_more).await?;
    let full = rows.len() > usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    if full {
        rows.pop();
    }
    let last = rows.last().filter(|_| full);
    let next = last.map(|last| format!("{}-{}", last.ms, last.seq));
    let mut ruled = verdicts(auction, &rows);
    let shown = |row: PlacedBid| {
        let verdict = ruled.remove(&row.id);
        show(view::bid(row, verdict))
    };
    Ok(BidPage { items: rows.into_iter().map(shown).collect(), next })
}

/// What the auction found of the bids on the page.
fn verdicts(auction: &StoredAuction, rows: &[PlacedBid]) -> HashMap<BidId, Ruling> {
    let wanted: HashSet<BidId> = rows.iter().map(|row| row.id).collect();
    let decision = auction.outcome.as_ref().and_then(Outcome::decision);
    let verdicts = decision.map_or(&[][..], |decision| decision.verdicts.as_slice());
    // the same bid again is a duplicate: its first place is the one that counts
    let found = verdicts.iter().rev().filter(|verdict| wanted.contains(&verdict.bid));
    found.map(|verdict| (verdict.bid, verdict.ruling)).collect()
}

/// `after`: a place in the stream.
pub(super) fn place(after: Option<&str>) -> Result<(u64, u64), Problem> {
    let Some(text) = after else { return Ok((0, 0)) };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // what Postgres can hold
        text.parse().ok().filter(|n| digits && i64::try_from(*n).is_ok())
    };
    text.split_once('-')
        .and_then(|(ms, seq)| Some((number(ms)?, number(seq)?)))
        .ok_or_else(|| Problem::parameter("after", "must be a cursor given out as `next`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_two_numbers() {
        assert_eq!(place(None).unwrap(), (0, 0));
        assert_eq!(place(Some("1790000000000-3")).unwrap(), (1_790_000_000_000, 3));
        for text in ["", "-", "1-", "-1", "1", "1-2-3", "+1-2", "1-99999999999999999999"] {
            assert!(place(Some(text)).is_err(), "{text:?}");
        }
    }
}

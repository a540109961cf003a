//! `/v1/auctions`: what is public of them, and no more (design A11). Number and root of the bids
//! from the decision on, which fixes them; winners' digests and score with it; contents only once
//! the last reveal is mined or expired.

use actix_web::{
    get,
    web::{Data, Json, Path, Query},
};
use domain::{AuctionId, status::AuctionStatus};
use infra::pg::{
    auction::{self, StoredAuction},
    bid::{self, StoredBid},
    settlement::{self, PublicSettlement},
};
use serde::Deserialize;
use solvers::wire::{AuctionPage, AuctionView, PublishedBid, SettlementView};
use utoipa::IntoParams;

use super::query::{connection, cursor, limit};
use crate::{
    app::App,
    problem::{Code, Facts, Problem},
};

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
    let items = stored.into_iter().map(|stored| view(stored, &settlements, None)).collect();
    Ok(Json(AuctionPage { items, next }))
}

/// One auction, as far as it is public
#[utoipa::path(
    tag = "auctions",
    params(("id" = u64, Path, description = "The auction's number")),
    responses((status = 200, description = "The auction", body = AuctionView))
)]
#[get("/v1/auctions/{id}")]
pub(crate) async fn get_auction(
    app: Data<App>,
    path: Path<u64>,
) -> Result<Json<AuctionView>, Problem> {
    let id = AuctionId::new(*path);
    let chain_id = app.domain.chain_id();
    let unknown = || {
        let facts = Facts { auction_id: Some(id), ..Facts::default() };
        Problem::new(Code::AuctionUnknown, format!("no auction {id}")).with(facts)
    };
    if i64::try_from(id.get()).is_err() {
        return Err(unknown());
    }
    let mut conn = connection(&app.pool).await?;
    let stored = auction::get(&mut conn, chain_id, id).await?.ok_or_else(unknown)?;
    let settlements = settlement::public_of(&mut conn, chain_id, &[id]).await?;
    let bids = match stored.status {
        AuctionStatus::Published => Some(bid::of_auction(&mut conn, chain_id, id).await?),
        AuctionStatus::Open | AuctionStatus::Decided | AuctionStatus::Void => None,
    };
    Ok(Json(view(stored, &settlements, bids)))
}

fn view(
    stored: StoredAuction,
    settlements: &[PublicSettlement],
    bids: Option<Vec<StoredBid>>,
) -> AuctionView {
    let StoredAuction { status, opening, open_hash, closing, outcome } = stored;
    let decision = outcome.as_ref().and_then(auction::Outcome::decision);
    let mine = settlements.iter().filter(|settlement| settlement.auction == opening.auction_id);
    AuctionView {
        id: opening.auction_id,
        status,
        open_hash,
        opened_at_ms: opening.opened_at_ms,
        closes_at_ms: opening.closes_at_ms,
        block: opening.block,
        intents: opening.intents,
        prices: opening.prices,
        bid_count: closing.map(|closing| closing.bid_count),
        bids_root: closing.map(|closing| closing.bids_root),
        winners: decision.map(|decision| decision.winners.clone()),
        total_score: decision.map(|decision| decision.total_score),
        gap: decision.map(|decision| decision.gap),
        settlements: mine.map(settlement_view).collect(),
        bids: bids.map(|bids| bids.into_iter().map(published).collect()),
    }
}

fn settlement_view(settlement: &PublicSettlement) -> SettlementView {
    SettlementView {
        attempt: settlement.attempt,
        status: settlement.status,
        commitment: settlement.commitment,
        commit_tx: settlement.commit_tx,
        reveal_tx: settlement.reveal_tx,
    }
}

fn published(bid: StoredBid) -> PublishedBid {
    let StoredBid { placed, verdict } = bid;
    let signed = placed.signed;
    PublishedBid {
        id: placed.id,
        ms: placed.ms,
        seq: placed.seq,
        bid: signed.bid.terms().clone(),
        legs: signed.bid.legs().to_vec(),
        callback: signed.bid.callback().clone(),
        signature: signed.signature.to_rsv().into(),
        verdict,
    }
}

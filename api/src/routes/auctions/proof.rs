//! `GET /v1/auctions/{id}/proof`: that a bid was counted.

use std::sync::Arc;

use actix_web::{
    get,
    web::{self, Data, Json, Path, Query},
};
use domain::BidId;
use infra::pg::{auction::StoredAuction, bid};
use serde::Deserialize;
use solvers::wire::BidProof;
use utoipa::IntoParams;

use super::{
    super::query::connection,
    stored::{about, stored},
    trees::Tree,
};
use crate::{
    admission::Reading,
    app::App,
    problem::{Code, Facts, Failure, Problem},
};

/// Which bid.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProofQuery {
    /// The bid's digest, as its receipt names it.
    #[param(pattern = "^0x[0-9a-f]{64}$")]
    bid: String,
}

/// The Merkle proof that a bid is under the auction's root
///
/// From the close on, when the root is public: 409 `auction_sealed` before. A digest holds 32 random
/// bytes of its solver, so only who knows the bid can ask for it, and the answer tells nobody else
/// that it exists. 404 `bid_unknown` for a bid with a receipt says that it was left out: the proof
/// of that is the receipt with the published record, which `gavel audit --receipts` compares.
#[utoipa::path(
    tag = "auctions",
    params(("id" = u64, Path, description = "The auction's number"), ProofQuery),
    responses((status = 200, description = "Leaf and siblings, as OpenZeppelin's library verifies them", body = BidProof))
)]
#[get("/v1/auctions/{id}/proof")]
pub(crate) async fn get_proof(
    app: Data<App>,
    _reading: Reading,
    path: Path<u64>,
    query: Query<ProofQuery>,
) -> Result<Json<BidProof>, Problem> {
    let bid: BidId = query
        .bid
        .parse()
        .map_err(|_| Problem::parameter("bid", "must be 0x and 64 hexadecimal digits"))?;
    let mut conn = connection(&app.pool).await?;
    let auction = stored(&app, &mut conn, *path).await?;
    let id = auction.opening.auction_id;
    let Some(closing) = auction.closing else {
        let detail = format!("auction {id} is open: the root over its bids is public at its close");
        return Err(Problem::new(Code::AuctionSealed, detail).with(about(id)));
    };
    let tree = match app.trees.get(id) {
        Some(tree) => tree,
        None => {
            let places = bid::places(&mut conn, app.domain.chain_id(), id).await?;
            drop(conn);
            let built = web::block(move || Tree::of(id, &places)).await;
            let tree = Arc::new(built.map_err(|_| Failure::Internal)?);
            check(&auction, &tree)?;
            app.trees.put(&tree);
            tree
        }
    };
    let (leaf, proof) = tree.proof(bid).ok_or_else(|| {
        let facts = Facts { bid: Some(bid), ..about(id) };
        let detail = format!("bid {bid} is not under the root of auction {id}");
        Problem::new(Code::BidUnknown, detail).with(facts)
    })?;
    Ok(Json(BidProof {
        auction_id: id,
        open_hash: auction.open_hash,
        bids_root: closing.bids_root,
        bid_count: closing.bid_count,
        leaf,
        proof,
    }))
}

/// A void auction's rows need not make its root: then there is nothing to prove with.
fn check(auction: &StoredAuction, tree: &Tree) -> Result<(), Problem> {
    if auction.closing.is_some_and(|closing| closing.bids_root == tree.root()) {
        return Ok(());
    }
    let id = auction.opening.auction_id;
    tracing::warn!(auction = %id, status = %auction.status, "the rows do not make the root");
    let detail = format!("the bids that are kept of auction {id} do not make its root");
    Err(Problem::new(Code::BidUnknown, detail).with(about(id)))
}

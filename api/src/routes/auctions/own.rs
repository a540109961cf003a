//! `GET /v1/auctions/{id}/bids/own`: a solver's own bids and what became of them, at once.

use actix_web::{
    HttpRequest, get,
    web::{Data, Json, Path, Query},
};
use domain::auction::{DropReason, Ruling};
use infra::pg::bid::Page;
use serde::Deserialize;
use solvers::wire::{Access, AccessError, BidPage, MAX_ACCESS_S, PublishedBid};
use utoipa::IntoParams;

use super::{
    super::query::{connection, limit},
    bids::{MAX_BIDS, page, place},
    stored::{published, stored},
};
use crate::{
    app::App,
    clock,
    problem::{Code, Facts, Problem},
};

/// Which page of the solver's bids.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OwnBidsQuery {
    /// The last page's `next`: a place in the stream, `ms-seq`.
    #[param(pattern = "^[0-9]+-[0-9]+$")]
    after: Option<String>,
    /// How many, 100 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A solver's own bids with their verdicts, from the decision on
///
/// Nobody else sees them before the auction is published, so the three headers show who asks: the
/// EIP-712 struct `ReadBids(address solver,uint64 validUntil)` of `/v1/chain`, signed by the
/// solver's account or one of its keys, good for an hour at most. Until the auction is published a
/// verdict comes without what it says of other bids, which are sealed: of `unfair` the fields `by`,
/// `better_sold` and `better_bought` are zero, of a lost bid `short_by` (with the bid's own score it
/// would be what the winners score on its intents), and of `no_room` the field `left`.
#[utoipa::path(
    tag = "auctions",
    params(
        ("id" = u64, Path, description = "The auction's number"),
        ("gavel-solver" = String, Header, description = "The solver's account"),
        ("gavel-valid-until" = u64, Header, description = "Unix seconds, at most 3600 from now"),
        ("gavel-signature" = String, Header, description = "64 (EIP-2098) or 65 bytes over the struct's digest"),
        OwnBidsQuery,
    ),
    responses((status = 200, description = "A page of the solver's bids", body = BidPage))
)]
#[get("/v1/auctions/{id}/bids/own")]
pub(crate) async fn get_own_bids(
    app: Data<App>,
    request: HttpRequest,
    path: Path<u64>,
    query: Query<OwnBidsQuery>,
) -> Result<Json<BidPage>, Problem> {
    let (after, limit) = (place(query.after.as_deref())?, limit(query.limit, MAX_BIDS)?);
    let access = authorised(&app, &request).await?;
    let mut conn = connection(&app.pool).await?;
    let auction = stored(&app, &mut conn, *path).await?;
    let sealed = published(&auction).is_err();
    let solver = Some(access.solver);
    let wanted = Page { auction: auction.opening.auction_id, solver, after, limit };
    let show = |bid| if sealed { without_others(bid) } else { bid };
    Ok(Json(page(&app, &mut conn, (&auction, wanted), show).await?))
}

/// Whether whoever asks signs for the solver.
async fn authorised(app: &App, request: &HttpRequest) -> Result<Access, Problem> {
    app.gate.ip(app.gate.origin(request))?;
    let header = |name: &'static str| request.headers().get(name)?.to_str().ok();
    let access = Access::read(header).map_err(refused)?;
    let now_s = clock::now_ms() / 1_000;
    if access.valid_until < now_s || access.valid_until > now_s.saturating_add(MAX_ACCESS_S) {
        let detail = format!(
            "gavel-valid-until must lie at most {MAX_ACCESS_S} s ahead of {now_s}, not behind it"
        );
        return Err(Problem::new(Code::AccessExpired, detail));
    }
    let key = access.signer(&app.domain)?;
    if app.chain.solver_of_key(key).await? != Some(access.solver) {
        let facts = Facts { recovered: Some(key.to_string()), ..Facts::default() };
        let detail = format!("signed by {key}, which does not sign for {}", access.solver);
        return Err(Problem::new(Code::SignatureMismatch, detail).with(facts));
    }
    Ok(access)
}

fn refused(error: AccessError) -> Problem {
    match error {
        AccessError::Signature(error) => error.into(),
        AccessError::Missing(_) | AccessError::Unreadable(..) => {
            Problem::new(Code::AccessMissing, error.to_string())
        }
    }
}

/// The bid with its verdict, but without what that tells of other sealed bids.
fn without_others(bid: PublishedBid) -> PublishedBid {
    let verdict = bid.verdict.map(|ruling| match ruling {
        Ruling::Dropped(DropReason::Unfair { intent, sold, bought, .. }) => {
            Ruling::Dropped(DropReason::Unfair {
                intent,
                by: domain::BidId::new(Default::default()),
                sold,
                bought,
                better_sold: domain::Amount::ZERO,
                better_bought: domain::Amount::ZERO,
            })
        }
        Ruling::Dropped(DropReason::NoRoom { of, needed, .. }) => {
            Ruling::Dropped(DropReason::NoRoom { of, needed, left: domain::Amount::ZERO })
        }
        Ruling::Lost { score, token, .. } => {
            Ruling::Lost { score, short_by: domain::Amount::ZERO, token }
        }
        // of its own bid, and of the auction that everybody saw opened
        own @ (Ruling::Won { .. } | Ruling::Dropped(_)) => own,
    });
    PublishedBid { verdict, ..bid }
}

#[cfg(test)]
mod tests {
    use domain::{Amount, AuctionId, BidId, IntentId, auction::Scarce, bid::Terms};

    use super::*;

    fn shown(verdict: Ruling) -> Ruling {
        let terms = Terms {
            auction_id: AuctionId::new(7),
            solver: Default::default(),
            filler: Default::default(),
            gas: 100_000,
            callback_gas: 0,
            penalty: 0,
            valid_until: 0,
            nonce: Amount::ZERO,
            salt: Default::default(),
            client_bid_id: Default::default(),
        };
        let (id, verdict) = (BidId::new(Default::default()), Some(verdict));
        let (ms, seq, legs) = (1, 1, Vec::new());
        let (callback, signature) = Default::default();
        let bid = PublishedBid { id, ms, seq, bid: terms, legs, callback, signature, verdict };
        without_others(bid).verdict.unwrap()
    }

    #[test]
    fn what_a_verdict_tells_of_other_bids_is_withheld_before_they_are_public() {
        let (mine, theirs) = (Amount::from(7_u64), Amount::from(9_u64));
        let token = Some([1; 20].into());
        let lost = |short_by| Ruling::Lost { score: mine, short_by, token };
        assert_eq!(shown(lost(theirs)), lost(Amount::ZERO));
        let room =
            |left| Ruling::Dropped(DropReason::NoRoom { of: Scarce::Gas, needed: mine, left });
        assert_eq!(shown(room(theirs)), room(Amount::ZERO));
        let unfair = |by, theirs| {
            Ruling::Dropped(DropReason::Unfair {
                intent: IntentId::new(Default::default()),
                by: BidId::new([by; 32].into()),
                sold: mine,
                bought: mine,
                better_sold: theirs,
                better_bought: theirs,
            })
        };
        assert_eq!(shown(unfair(5, theirs)), unfair(0, Amount::ZERO));
        let won = Ruling::Won { score: mine, rank: 3, token };
        assert_eq!(shown(won), won);
    }
}

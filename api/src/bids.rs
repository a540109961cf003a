//! The way of a bid to its receipt (design §2.5), the same for REST and WebSocket: whose it is,
//! whether it may, its place in the stream, its durable row, the signed promise.

mod advice;
mod auctions;
mod keep;
mod stake;
mod standing;

use domain::{
    AuctionId, BidId,
    batch::SignedBid,
    intent::{FieldError, FieldErrors, FieldFault},
};
use infra::{
    pg::bid::PlacedBid,
    redis::{NewBid, Quota, Quotas, Submitted},
};
use serde_json::{Map, Value};
use solvers::wire::{BidAccepted, BidSubmission, Place, Receipt, SignedNack, SubmissionError};

use crate::{
    app::App,
    clock,
    problem::{Code, Facts, Failure, Problem},
};

pub(crate) use auctions::Auctions;
pub(crate) use keep::keep;
pub(crate) use stake::InFlight;

use auctions::Known;

/// A bid with its receipt, and whether it is new.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) answer: BidAccepted,
    pub(crate) new: bool,
}

/// Takes `{bid, legs, callback?, signature}` into an auction. After `Ok`, the bid has its place
/// in the stream and a durable row.
pub(crate) async fn submit(
    app: &App,
    auction: AuctionId,
    body: Map<String, Value>,
) -> Result<Accepted, Problem> {
    let BidSubmission { signed } = BidSubmission::parse(body).map_err(refused)?;
    let terms = signed.bid.terms();
    if terms.auction_id != auction {
        let detail = format!("is {}, but the bid was sent to auction {auction}", terms.auction_id);
        let error = FieldError::new("bid.auctionId", FieldFault::NotAllowed, detail);
        return Err(one_field(error));
    }
    let id = signed.bid.id(&app.domain);
    let (solver, filler) = (terms.solver, terms.filler);
    let key = signed.signature.recover(id.get())?;
    standing::check(app, key, solver, filler).await?;
    // from here on it is known whose bid it is: a refusal is signed, as a receipt would be
    let vouch = |problem: Problem| {
        problem.signed(|code| {
            let about = (auction, id);
            SignedNack::sign(about, code.as_str(), clock::now_ms(), &app.receipt_key, &app.domain)
        })
    };
    app.gate.solver(solver).map_err(vouch)?;
    let known = app.auctions.get(app, auction).await.map_err(vouch)?;
    let (ms, seq, new) = queue(app, &known, id, &signed).await.map_err(vouch)?;
    let advice = advice::of(app, &known, &signed.bid).await;
    let placed = PlacedBid { auction, id, ms, seq, signed };
    app.bids.submit(placed).await??;
    let place = Place { auction_id: auction, open_hash: known.open_hash, bid: id, ms, seq };
    let receipt = Receipt::sign(place, &app.receipt_key, &app.domain);
    if new {
        tracing::info!(auction = %auction, bid = %id, %solver, ms, seq, "bid queued");
    }
    Ok(Accepted { answer: BidAccepted { receipt, advice }, new })
}

/// Gives the bid its place in the auction's stream: one script for clock, quota and repeats.
async fn queue(
    app: &App,
    known: &Known,
    id: BidId,
    signed: &SignedBid,
) -> Result<(u64, u64, bool), Problem> {
    let terms = signed.bid.terms();
    let body = serde_json::to_vec(signed).map_err(|_| Failure::Internal)?;
    let quotas = Quotas::from(&app.config.auction);
    let stake = stake::of(app, terms).await?;
    let (solver, client_bid_id) = (terms.solver, terms.client_bid_id);
    let new = NewBid { solver, client_bid_id, id, body: &body, stake };
    let submitted = app.redis.submit(terms.auction_id, &new, &quotas).await?;
    let facts = || Facts { auction_id: Some(terms.auction_id), bid: Some(id), ..Facts::default() };
    match submitted {
        Submitted::Queued { ms, seq } => Ok((ms, seq, true)),
        Submitted::Repeated { ms, seq } => Ok((ms, seq, false)),
        Submitted::IdReused { bid_id } => {
            let detail = format!("this clientBidId stands for bid {bid_id} in this auction");
            let facts = Facts { bid: Some(bid_id), ..facts() };
            Err(Problem::new(Code::IdReused, detail).with(facts))
        }
        Submitted::QuotaExceeded(quota) => {
            Err(Problem::new(Code::QuotaExceeded, exceeded(quota)).with(facts()))
        }
        Submitted::Short(short) => Err(stake::short(short, facts())),
        Submitted::Late { closed_at_ms, ms } => Err(late(known, closed_at_ms, ms, facts())),
        Submitted::NoSuchAuction => {
            // Postgres knows the auction: its queue has been cleared away, or was lost
            let now_ms = app.redis.time_ms().await?;
            if now_ms < known.closes_at_ms {
                return Err(Failure::Redis.into());
            }
            Err(late(known, known.closes_at_ms, now_ms, facts()))
        }
    }
}

fn late(known: &Known, closed_at_ms: u64, ms: u64, facts: Facts) -> Problem {
    let late_by_ms = ms.saturating_sub(closed_at_ms);
    let detail = format!("auction {} closed {late_by_ms} ms before", known.id);
    let facts = Facts { late_by_ms: Some(late_by_ms), closes_at_ms: Some(closed_at_ms), ..facts };
    Problem::new(Code::BidLate, detail).with(facts)
}

const fn exceeded(quota: Quota) -> &'static str {
    match quota {
        Quota::Solver => "the solver has as many bids in this auction as it may",
        Quota::Auction => "the auction holds as many bids as it can",
        Quota::Body => "the bid is longer than bids may be",
        Quota::AuctionBytes => "the auction's bids are as long as they may be in all",
    }
}

fn refused(error: SubmissionError) -> Problem {
    match error {
        SubmissionError::Fields(errors) => Problem::fields(Code::BidInvalid, &errors),
        SubmissionError::Signature(error) => error.into(),
    }
}

fn one_field(error: FieldError) -> Problem {
    match FieldErrors::unless_any(vec![error], None::<()>) {
        Err(errors) => Problem::fields(Code::BidInvalid, &errors),
        Ok(()) => Failure::Internal.into(),
    }
}

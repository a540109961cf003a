//! `GET /v1/auctions/{id}/export`: the whole record in one canonical file.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header,
    web::{Bytes, Data, Path},
};
use alloy_primitives::keccak256;
use domain::{
    AuctionId, IntentId,
    auction::{Announced, Closing, Contents, PublicRecord, RECORD_VERSION, RecordedBid, Standings},
    batch::{OwnerSignature, SignedIntent},
    signature::EcdsaSignature,
    status::AuctionStatus,
};
use futures_util::stream;
use infra::pg::{
    StoreError,
    auction::{Outcome, StoredAuction},
    bid::{self, Page, PlacedBid},
    intent::{self, StoredIntent},
};
use sqlx::PgConnection;

use super::{super::query::connection, stored::stored};
use crate::{
    admission::Reading,
    app::App,
    problem::{Failure, Problem},
};

/// Bids read and sent at a time.
const CHUNK: u32 = 200;
/// Where the bids go: the only empty list of that name there is.
const BIDS: &str = "\"bids\":[";

/// The auction's record, as far as it is public: one canonical JSON file
///
/// From the opening on the opening record, from the close on number and root of the bids, from the
/// decision on winners and total score, of the second attempt too; and once the auction is published everything that it takes
/// to make the decision again: `gavel audit --file` and `gavel replay` read it. Fields are in a
/// fixed order without white space, and bids in the order of the stream, so the same record is
/// always the same bytes; `ETag` changes with what is public.
#[utoipa::path(
    tag = "auctions",
    params(("id" = u64, Path, description = "The auction's number")),
    responses(
        (status = 200, description = "The record", body = Object, content_type = "application/json"),
        (status = 304, description = "It is what `If-None-Match` names"),
    )
)]
#[get("/v1/auctions/{id}/export")]
pub(crate) async fn export_auction(
    app: Data<App>,
    _reading: Reading,
    request: HttpRequest,
    path: Path<u64>,
) -> Result<HttpResponse, Problem> {
    let mut conn = connection(&app.pool).await?;
    let auction = stored(&app, &mut conn, *path).await?;
    let id = auction.opening.auction_id;
    let record = without_bids(&app, &mut conn, auction).await?;
    drop(conn);
    let sealed = record.contents.is_none();
    let text = record.canonical().map_err(|_| Failure::Internal)?;
    // the bids are fixed by the root, which is in the text
    let tag = format!("\"{}\"", alloy_primitives::hex::encode(&keccak256(&text)[..16]));
    let known = request.headers().get_all(header::IF_NONE_MATCH).any(|value| {
        let mut tags = value.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|known| known == tag || known == "*" || known.strip_prefix("W/") == Some(&tag))
    });
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    if known {
        return Ok(response.finish());
    }
    response.content_type("application/json").insert_header((
        header::CONTENT_DISPOSITION,
        format!("attachment; filename=\"auction-{id}.json\""),
    ));
    if sealed {
        return Ok(response.body(text));
    }
    let (head, tail) = text.split_once(BIDS).ok_or(Failure::Internal)?;
    let chunks = Chunks {
        app,
        id,
        after: (0, 0),
        begin: Some(format!("{head}{BIDS}")),
        first: true,
        end: Some(tail.to_owned()),
    };
    let body = stream::try_unfold(chunks, |mut chunks| async move {
        Ok::<_, actix_web::Error>(chunks.next().await?.map(|chunk| (chunk, chunks)))
    });
    Ok(response.streaming(Box::pin(body)))
}

/// The record with an empty list of bids.
async fn without_bids(
    app: &App,
    conn: &mut PgConnection,
    stored: StoredAuction,
) -> Result<PublicRecord, Problem> {
    let StoredAuction { status, opening, open_hash, closing, outcome, runner_up } = stored;
    let intents = if status == AuctionStatus::Published {
        let ids: Vec<IntentId> = opening.intents.iter().map(|entry| entry.id).collect();
        let rows = intent::get_many(conn, app.domain.chain_id(), &ids).await?;
        let rows: BTreeMap<IntentId, StoredIntent> =
            rows.into_iter().map(|row| (row.id, row)).collect();
        let intents: Option<Vec<_>> = ids.iter().map(|id| signed(rows.get(id)?)).collect();
        Some(intents.ok_or(StoreError::Corrupt("intent.signature"))?)
    } else {
        None
    };
    let (decision, simulation, standings, void) = match outcome {
        Some(Outcome::Decided { decision, simulation, standings, insights: _ }) => {
            (Some(decision), simulation, standings, None)
        }
        Some(Outcome::Void { reason }) => (None, None, Standings::default(), Some(reason)),
        None => (None, None, Standings::default(), None),
    };
    let announced = decision.as_ref().map(Announced::of);
    let (verdicts, second_pass, references) = decision
        .map(|found| (found.verdicts, found.second_pass, found.references))
        .unwrap_or_default();
    let contents = intents.map(|intents| Contents {
        intents,
        bids: Vec::new(),
        standings,
        simulation,
        verdicts,
        second_pass,
        references,
        runner_up: runner_up.clone(),
    });
    let closing = closing
        .map(|closing| Closing { bid_count: closing.bid_count, bids_root: closing.bids_root });
    Ok(PublicRecord {
        version: RECORD_VERSION,
        opening,
        open_hash,
        closing,
        void,
        decision: announced,
        runner_up: runner_up.map(|second| Announced::of(&second.decision)),
        contents,
    })
}

/// As it travels in a batch; `None` if what is kept as an ECDSA signature is none.
fn signed(stored: &StoredIntent) -> Option<SignedIntent> {
    let signature = if stored.erc1271 {
        OwnerSignature::Contract(stored.signature.clone())
    } else {
        OwnerSignature::Ecdsa(EcdsaSignature::parse(&stored.signature).ok()?)
    };
    Some(SignedIntent { intent: stored.intent.clone(), signature })
}

/// The file's text, a piece at a time: an auction's bids may be 64 MiB.
struct Chunks {
    app: Data<App>,
    id: AuctionId,
    after: (u64, u64),
    begin: Option<String>,
    first: bool,
    end: Option<String>,
}

impl Chunks {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        if let Some(begin) = self.begin.take() {
            return Ok(Some(begin.into()));
        }
        if self.end.is_none() {
            return Ok(None);
        }
        // for this piece only: the client may take as long as it likes to read it
        let _reading = self.app.gate.reading().await?;
        let wanted = Page { auction: self.id, solver: None, after: self.after, limit: CHUNK };
        let mut conn = connection(&self.app.pool).await?;
        let rows = bid::page(&mut conn, self.app.domain.chain_id(), wanted).await?;
        drop(conn);
        let Some(last) = rows.last() else { return Ok(self.end.take().map(Bytes::from)) };
        self.after = (last.ms, last.seq);
        let mut text = String::new();
        for PlacedBid { id, ms, seq, signed, .. } in rows {
            let recorded = RecordedBid { id, ms, seq, signed };
            if !std::mem::take(&mut self.first) {
                text.push(',');
            }
            text.push_str(&serde_json::to_string(&recorded).map_err(|_| Failure::Internal)?);
        }
        Ok(Some(text.into()))
    }
}

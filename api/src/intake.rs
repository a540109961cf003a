//! The way of an intent from a body to a promise (design §2.1-2): parse, recover the signer, ask
//! the chain, keep it in Postgres. Chain checks and inserts of concurrent requests are grouped.

mod funds;
mod keep;
mod submission;
mod verify;

use domain::{Amount, IntentId, status::IntentStatus};
use infra::pg::intent::{self, Inserted, NewIntent, Replaced, StoredIntent};
use serde_json::{Map, Value};
use solvers::wire::IntentView;

use crate::{
    app::App,
    clock,
    problem::{Code, Facts, Problem},
};

pub(crate) use keep::{keep, keep_bounds};
pub(crate) use verify::owner_signed;

use submission::Submission;

/// An accepted intent, and whether it is new.
pub(crate) struct Accepted {
    pub(crate) view: IntentView,
    pub(crate) new: bool,
}

impl Accepted {
    fn repeated(row: StoredIntent) -> Self {
        Self { view: view(row), new: false }
    }
}

/// Takes a submitted intent in. After `Ok`, it is durable.
pub(crate) async fn accept(app: &App, body: &Map<String, Value>) -> Result<Accepted, Problem> {
    let submission = match Submission::parse(app, body, clock::now_s()) {
        Ok(submission) => submission,
        Err(refused) => return repeat_of_expired(app, body, refused).await,
    };
    let id = submission.intent.id(&app.domain);
    let owner = submission.intent.owner();
    let erc1271 = owner_signed(app, owner, id.get(), &submission.signature).await?;
    app.gate.owner(owner)?;
    if let Err(problem) = funds::check(app, id, &submission.intent).await {
        // a repeat is the same row, whatever the chain says by now
        return match known(app, id).await {
            Ok(Some(row)) => Ok(Accepted::repeated(row)),
            Ok(None) | Err(_) => Err(problem),
        };
    }
    let Submission { intent, signature, replaces } = submission;
    let new = NewIntent { id, intent, signature, erc1271, created_at_ms: clock::now_ms() };
    let fresh = fresh(&new);
    let inserted = match replaces {
        None => app.intents.submit(new).await??,
        Some(old) => replace(app, old, new).await?,
    };
    match inserted {
        Inserted::New => {
            tracing::debug!(intent = %id, "intent accepted");
            Ok(Accepted { view: fresh, new: true })
        }
        Inserted::Repeated(row) => Ok(Accepted::repeated(*row)),
        Inserted::NonceTaken { by } => {
            let detail = "another live intent of this owner has the nonce; replace or cancel it";
            let facts = Facts { holder: by, ..Facts::default() };
            Err(Problem::new(Code::NonceTaken, detail).with(facts))
        }
    }
}

async fn replace(app: &App, old: IntentId, new: NewIntent) -> Result<Inserted, Problem> {
    let mut tx = infra::pg::begin(&app.pool).await?;
    let replaced = intent::replace(&mut tx, app.domain.chain_id(), old, new).await?;
    match replaced {
        Replaced::Done(inserted @ (Inserted::New | Inserted::Repeated(_))) => {
            tx.commit().await.map_err(infra::pg::StoreError::from)?;
            Ok(inserted)
        }
        // dropped uncommitted: the old one stays as it is
        Replaced::Done(inserted @ Inserted::NonceTaken { .. }) => Ok(inserted),
        Replaced::NotItsTwin => {
            let detail = "replaces must name an intent of the same owner and nonce";
            Err(Problem::new(Code::ReplaceMismatch, detail))
        }
        Replaced::TooLate(row) => {
            let detail = match row.auction_id {
                Some(auction) => format!("{} is held by auction {auction}", row.id),
                None => format!("{} is {}", row.id, row.status),
            };
            let facts = Facts { auction_id: row.auction_id, ..Facts::default() };
            Err(Problem::new(Code::TooLate, detail).with(facts))
        }
    }
}

/// An intent that was accepted in time and is posted again when its time is over is still the
/// same row.
async fn repeat_of_expired(
    app: &App,
    body: &Map<String, Value>,
    refused: Problem,
) -> Result<Accepted, Problem> {
    if !refused.only_field_is("validTo") {
        return Err(refused);
    }
    let Ok(submission) = Submission::parse_any_time(app, body) else { return Err(refused) };
    let id = submission.intent.id(&app.domain);
    match known(app, id).await {
        Ok(Some(row)) => Ok(Accepted::repeated(row)),
        Ok(None) | Err(_) => Err(refused),
    }
}

async fn known(app: &App, id: IntentId) -> Result<Option<StoredIntent>, infra::pg::StoreError> {
    let mut conn = app.pool.acquire().await?;
    intent::get(&mut conn, app.domain.chain_id(), id).await
}

fn fresh(new: &NewIntent) -> IntentView {
    IntentView {
        id: new.id,
        intent: new.intent.clone(),
        status: IntentStatus::Open,
        filled: Amount::ZERO,
        auction_id: None,
        cancel_requested: false,
        created_at_ms: new.created_at_ms,
        evidence: None,
    }
}

/// What the public sees of a row: all but the signature.
pub(crate) fn view(row: StoredIntent) -> IntentView {
    let invalidated = row.invalidated.is_some() && !row.status.is_final();
    IntentView {
        id: row.id,
        intent: row.intent,
        status: row.status,
        filled: row.filled,
        auction_id: row.auction_id,
        cancel_requested: row.cancel_requested || invalidated,
        created_at_ms: row.created_at_ms,
        evidence: row.evidence,
    }
}

//! `POST /v1/intents/cancel`

use actix_web::{
    post,
    web::{Data, Json},
};
use alloy_primitives::{Address, Bytes};
use domain::{
    IntentId, eip712::TypedCancel, fields::Fields, intent::FieldFault,
    signature::MAX_OWNER_SIGNATURE,
};
use infra::pg::{StoreError, intent};
use serde_json::{Map, Value};
use solvers::wire::{CancelAnswer, CancelOutcome, CancelRequest, CancelResult};

use crate::{
    admission::Admitted,
    app::App,
    body::JsonObject,
    intake::owner_signed,
    problem::{Code, Problem},
};

/// Intents named by one cancellation at most.
const MOST: usize = 100;

/// Cancel intents, with an honest answer for each
///
/// `cancelled`: it is in no auction and will be in none. `too_late`: an auction holds it; the
/// wish is kept and applied the moment it comes out unfilled.
#[utoipa::path(
    tag = "intents",
    request_body = CancelRequest,
    responses((status = 200, description = "One answer per intent, in order", body = CancelAnswer))
)]
#[post("/v1/intents/cancel")]
pub(crate) async fn cancel_intents(
    app: Data<App>,
    _admitted: Admitted,
    body: JsonObject,
) -> Result<Json<CancelAnswer>, Problem> {
    let Wish { owner, intents, signature } = Wish::parse(&body.0)?;
    let message =
        TypedCancel { owner, intents: intents.iter().map(|intent| intent.get()).collect() };
    owner_signed(&app, owner, app.domain.digest(&message), &signature).await?;
    app.gate.owner(owner)?;
    let mut tx = infra::pg::begin(&app.pool).await?;
    let outcomes = intent::cancel(&mut tx, app.domain.chain_id(), owner, &intents).await?;
    tx.commit().await.map_err(StoreError::from)?;
    let results: Vec<_> =
        intents.into_iter().zip(outcomes).map(|(id, outcome)| result(id, outcome)).collect();
    for CancelResult { id, result, .. } in &results {
        tracing::info!(intent = %id, ?result, "cancellation");
    }
    Ok(Json(CancelAnswer { results }))
}

/// A well-formed request.
struct Wish {
    owner: Address,
    intents: Vec<IntentId>,
    signature: Bytes,
}

impl Wish {
    fn parse(body: &Map<String, Value>) -> Result<Self, Problem> {
        let mut fields = Fields::new(body);
        let owner = fields.address("owner");
        let intents = intents(&mut fields);
        let signature = fields.bytes("signature", MAX_OWNER_SIGNATURE);
        let wish = (|| Some(Self { owner: owner?, intents: intents?, signature: signature? }))();
        fields.finish(wish).map_err(|errors| Problem::fields(Code::CancelInvalid, &errors))
    }
}

fn intents(fields: &mut Fields<'_>) -> Option<Vec<IntentId>> {
    let value = fields.required("intents")?;
    let Some(texts) = value.as_array() else {
        fields.fail("intents", FieldFault::WrongType, "must be an array of intent ids");
        return None;
    };
    if texts.is_empty() || texts.len() > MOST {
        let fault = if texts.is_empty() { FieldFault::Missing } else { FieldFault::TooLarge };
        fields.fail("intents", fault, format!("must name 1 to {MOST} intents"));
        return None;
    }
    let ids: Option<Vec<_>> =
        texts.iter().map(|text| text.as_str().and_then(|text| text.parse().ok())).collect();
    if ids.is_none() {
        let detail = "each must be 0x and 64 hexadecimal digits";
        fields.fail("intents", FieldFault::InvalidHex, detail);
    }
    ids
}

fn result(id: IntentId, outcome: intent::CancelOutcome) -> CancelResult {
    use intent::CancelOutcome as O;
    let (result, auction_id, status) = match outcome {
        O::Cancelled => {
            (CancelOutcome::Cancelled, None, Some(domain::status::IntentStatus::Cancelled))
        }
        O::TooLate { auction_id, status } => (CancelOutcome::TooLate, auction_id, Some(status)),
        O::AlreadyFinal(status) => (CancelOutcome::AlreadyFinal, None, Some(status)),
        O::Unknown => (CancelOutcome::Unknown, None, None),
        O::NotOwner => (CancelOutcome::NotOwner, None, None),
    };
    CancelResult { id, result, auction_id, status }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_wrong_field_of_a_cancellation_is_told() {
        let body = json!({"owner": "0x12", "intents": ["0x1"], "why": 1});
        let problem = Wish::parse(body.as_object().unwrap()).err().unwrap();
        let json = serde_json::to_value(&problem).unwrap();
        let fields: Vec<_> =
            json["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, ["owner", "intents", "signature", "why"]);
        assert_eq!(json["code"], "cancel_invalid");
    }
}

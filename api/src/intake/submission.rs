//! The body of `POST /v1/intents`, read with every error at once.

use alloy_primitives::Bytes;
use domain::{
    Intent, IntentId,
    fields::Fields,
    intent::{Bounds, FieldErrors, FieldFault},
    signature::MAX_OWNER_SIGNATURE,
};
use serde_json::{Map, Value};
use solvers::wire::DomainCheck;

use crate::{
    app::App,
    problem::{Code, Problem},
};

/// A well-formed submission. Nothing is known yet about who signed it.
pub(super) struct Submission {
    pub(super) intent: Intent,
    pub(super) signature: Bytes,
    pub(super) replaces: Option<IntentId>,
}

impl Submission {
    /// Reads `{intent, signature, domain?, replaces?}` at `now_s`, Unix seconds.
    pub(super) fn parse(app: &App, body: &Map<String, Value>, now_s: u64) -> Result<Self, Problem> {
        Self::parse_within(app, body, Bounds::new(now_s, app.config.api.max_ttl_s))
    }

    /// The same without looking at the clock.
    pub(super) fn parse_any_time(app: &App, body: &Map<String, Value>) -> Result<Self, Problem> {
        Self::parse_within(app, body, Bounds::any_time())
    }

    fn parse_within(app: &App, body: &Map<String, Value>, bounds: Bounds) -> Result<Self, Problem> {
        let mut fields = Fields::new(body);
        let intent = fields.required("intent").and_then(|value| match value.as_object() {
            Some(message) => Some(Intent::parse(message, bounds)),
            None => {
                fields.fail("intent", FieldFault::WrongType, "must be an object");
                None
            }
        });
        let signature = fields.bytes("signature", MAX_OWNER_SIGNATURE);
        let domain = domain_check(&mut fields);
        let replaces = match fields.optional("replaces") {
            None => Some(None),
            Some(_) => fields.word("replaces").map(|word| Some(IntentId::new(word))),
        };
        let rest = fields.finish(signature.zip(replaces));
        let (intent, rest) = match (intent, rest) {
            (Some(Ok(intent)), Ok(rest)) => (intent, rest),
            (intent, rest) => {
                let errors = [intent.and_then(Result::err), rest.err()];
                let errors = errors.iter().flatten().flat_map(FieldErrors::as_slice).cloned();
                let errors = FieldErrors::unless_any(errors.collect(), None::<()>);
                return match errors {
                    Err(errors) => Err(Problem::fields(Code::IntentInvalid, &errors)),
                    Ok(()) => Err(crate::problem::Failure::Internal.into()),
                };
            }
        };
        if let Some(domain) = domain {
            check_domain(app, domain)?;
        }
        let (signature, replaces) = rest;
        Ok(Self { intent, signature, replaces })
    }
}

fn domain_check(fields: &mut Fields<'_>) -> Option<DomainCheck> {
    let value = fields.optional("domain")?;
    match serde_json::from_value(value.clone()) {
        Ok(domain) => Some(domain),
        Err(_) => {
            let detail = "must be {chainId, verifyingContract}";
            fields.fail("domain", FieldFault::WrongType, detail);
            None
        }
    }
}

fn check_domain(app: &App, domain: DomainCheck) -> Result<(), Problem> {
    let (chain, contract) = (app.domain.chain_id(), app.domain.settlement());
    if domain.chain_id != chain {
        let detail = format!("this is chain {chain}, not {}", domain.chain_id);
        return Err(Problem::new(Code::WrongChain, detail));
    }
    if domain.verifying_contract != contract {
        let detail = format!("Settlement is {contract}, not {}", domain.verifying_contract);
        return Err(Problem::new(Code::WrongContract, detail));
    }
    Ok(())
}

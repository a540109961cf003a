//! Everything that goes wrong, as RFC 9457 `application/problem+json`. The only place that knows
//! HTTP status codes. Inner causes are logged, never sent.

mod code;
mod from;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use domain::{
    Amount, AuctionId, BidId, IntentId,
    intent::{FieldError, FieldErrors},
};
use serde::Serialize;
use solvers::wire::{FieldRefusal, Nack, SignedNack};
use utoipa::ToSchema;

pub use code::Code;
pub(crate) use from::Failure;

/// What went wrong with a request. Boxed, because errors travel in every result.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Problem(Box<ProblemBody>);

/// The body of every error.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// `urn:gavel:problem:<code>`.
    #[serde(rename = "type")]
    urn: String,
    /// The code in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable name of the problem.
    code: Code,
    /// What happened, for people.
    detail: String,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// Every field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldRefusal>,
    #[serde(flatten)]
    facts: Facts,
    /// After how many seconds to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(skip)]
    allow: Option<String>,
}

/// What belongs to one code or another.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = ProblemFacts)]
pub(crate) struct Facts {
    /// Who signed instead (`signature_mismatch`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<String>,
    /// The intent that has the nonce (`nonce_taken`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<IntentId>,
    /// What the intent may sell (`insufficient_…`); what the solver's bids tie down, wei (`…_short`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<Amount>,
    /// What the owner has (`insufficient_…`); what the solver has for that, wei (`…_short`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<Amount>,
    /// What is missing, in wei (`…_short`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Amount>,
    /// The auction it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auction_id: Option<AuctionId>,
    /// The bid that has the client bid id (`id_reused`), or was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bid: Option<BidId>,
    /// By how many milliseconds it came too late (`bid_late`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_by_ms: Option<u64>,
    /// When the auction closed, Unix milliseconds (`bid_late`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at_ms: Option<u64>,
    /// The operator's signed word for refusing a bid, once it is known whose bid it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedNack>,
    /// Who does not answer: `postgres`, `redis` or `chain` (`dependency_unavailable`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency: Option<&'static str>,
}

impl Problem {
    /// A problem with a sentence for people.
    #[must_use]
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(ProblemBody {
            urn: format!("urn:gavel:problem:{}", code.as_str()),
            title: code.title(),
            status: code.status().as_u16(),
            code,
            detail: detail.into(),
            retryable: code.retryable(),
            errors: Vec::new(),
            facts: Facts::default(),
            retry_after_s: None,
            allow: None,
        }))
    }

    /// A problem with fields.
    #[must_use]
    pub(crate) fn fields(code: Code, errors: &FieldErrors) -> Self {
        let mut problem = Self::new(code, errors.to_string());
        problem.0.errors = errors.as_slice().iter().map(refusal).collect();
        problem
    }

    /// A problem with one field, for causes the domain's field faults do not name.
    #[must_use]
    pub(crate) fn field(code: Code, field: &str, cause: &str, detail: &str) -> Self {
        let refusal = FieldRefusal {
            field: field.to_owned(),
            code: cause.to_owned(),
            detail: detail.to_owned(),
        };
        let mut problem = Self::new(code, format!("{field} {detail}"));
        problem.0.errors = vec![refusal];
        problem
    }

    /// The same with its facts.
    #[must_use]
    pub(crate) fn with(mut self, facts: Facts) -> Self {
        self.0.facts = facts;
        self
    }

    /// The same, with the operator's signature on it.
    #[must_use]
    pub(crate) fn signed(mut self, sign: impl FnOnce(Code) -> SignedNack) -> Self {
        self.0.facts.signed = Some(sign(self.code()));
        self
    }

    /// The same, to be tried again after `seconds`.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// The same, naming the methods that are taken.
    #[must_use]
    pub(crate) fn allow(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// What a WebSocket's client is told of it.
    #[must_use]
    pub(crate) fn nack(self) -> Nack {
        let body = *self.0;
        Nack {
            code: body.code.as_str().to_owned(),
            detail: body.detail,
            retryable: body.retryable,
            late_by_ms: body.facts.late_by_ms,
            signed: body.facts.signed,
            errors: body.errors,
        }
    }

    /// Its code.
    #[must_use]
    pub(crate) const fn code(&self) -> Code {
        self.0.code
    }

    /// Whether the only thing wrong is this one field.
    #[must_use]
    pub(crate) fn only_field_is(&self, field: &str) -> bool {
        matches!(self.0.errors.as_slice(), [only] if only.field == field)
    }

    /// A parameter that is not what it should be.
    #[must_use]
    pub(crate) fn parameter(name: &str, detail: &str) -> Self {
        Self::new(Code::ParameterInvalid, format!("{name} {detail}"))
    }
}

fn refusal(error: &FieldError) -> FieldRefusal {
    // a fieldless enum with one name per variant: it always serialises to a string
    let code = serde_json::to_value(error.fault).ok();
    let code = code.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    FieldRefusal { field: error.field.clone(), code: code.to_owned(), detail: error.detail.clone() }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code().as_str(), self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code().status()
    }

    fn error_response(&self) -> HttpResponse {
        let code = self.code();
        metrics::counter!("gavel_api_problems_total", "code" => code.as_str()).increment(1);
        let mut response = HttpResponse::build(code.status());
        if let Some(seconds) = self.0.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Some(methods) = &self.0.allow {
            response.insert_header((header::ALLOW, methods.as_str()));
        }
        let body = serde_json::to_vec(self).unwrap_or_default();
        response.insert_header((header::CONTENT_TYPE, "application/problem+json")).body(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_code_status_and_sentence_and_nothing_empty() {
        let problem = Problem::new(Code::BidLate, "closed 7 ms before")
            .with(Facts { late_by_ms: Some(7), ..Facts::default() });
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "urn:gavel:problem:bid_late", "title": "The auction is closed",
                "status": 409, "code": "bid_late", "detail": "closed 7 ms before",
                "retryable": false, "late_by_ms": 7,
            })
        );
    }
}

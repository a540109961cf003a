//! Everything that goes wrong, as RFC 9457 `application/problem+json`. The only place that knows
//! HTTP status codes. Inner causes are logged, never sent.

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

pub(crate) use from::Failure;

/// The codes, with their status, whether the same request may succeed later, and their title.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:tt, $status:ident, $retry:tt, $title:tt;)+) => {
        /// The stable name of a problem. New ones may be added; none changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
        #[schema(as = ProblemCode)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status it is sent with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// Whether the same request may succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retry,)+ }
            }

            const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

codes! {
    /// The body is not one JSON object.
    MalformedJson = "malformed_json", BAD_REQUEST, false, "The body is not a JSON object";
    /// A query or path parameter is not what it should be.
    ParameterInvalid = "parameter_invalid", BAD_REQUEST, false, "A parameter is invalid";
    /// Fields of an intent are wrong; `errors` names all of them.
    IntentInvalid = "intent_invalid", UNPROCESSABLE_ENTITY, false, "The intent is invalid";
    /// Fields of a cancellation are wrong; `errors` names all of them.
    CancelInvalid = "cancel_invalid", UNPROCESSABLE_ENTITY, false, "The cancellation is invalid";
    /// Fields of a bid are wrong; `errors` names all of them.
    BidInvalid = "bid_invalid", UNPROCESSABLE_ENTITY, false, "The bid is invalid";
    /// A message of the stream is wrong; `errors` names the fields.
    MessageInvalid = "message_invalid", BAD_REQUEST, false, "The message is invalid";
    /// Signed for another chain.
    WrongChain = "wrong_chain", UNPROCESSABLE_ENTITY, false, "Signed for another chain";
    /// Signed for another contract.
    WrongContract = "wrong_contract", UNPROCESSABLE_ENTITY, false, "Signed for another contract";
    /// Not a signature this house accepts: its length, v, or a high s.
    SignatureInvalid = "signature_invalid", UNPROCESSABLE_ENTITY, false, "The signature is invalid";
    /// A good signature of somebody else, or of another message.
    SignatureMismatch = "signature_mismatch", UNPROCESSABLE_ENTITY, false, "Signed by somebody else";
    /// The nonce is used up on chain.
    NonceUsed = "nonce_used", CONFLICT, false, "The nonce is used on chain";
    /// Another live intent of the owner has the nonce; `holder` names it.
    NonceTaken = "nonce_taken", CONFLICT, false, "Another live intent has the nonce";
    /// `replaces` names no intent with this owner and nonce.
    ReplaceMismatch = "replace_mismatch", CONFLICT, false, "Not an intent with this owner and nonce";
    /// The intent to be replaced is in an auction, or has ended.
    TooLate = "too_late", CONFLICT, false, "Too late to replace it";
    /// The owner holds less than the intent may sell.
    InsufficientBalance = "insufficient_balance", UNPROCESSABLE_ENTITY, true, "The owner's balance is too low";
    /// The owner has approved less than the intent may sell.
    InsufficientAllowance = "insufficient_allowance", UNPROCESSABLE_ENTITY, true, "The owner's allowance is too low";
    /// No such route.
    NotFound = "not_found", NOT_FOUND, false, "Not found";
    /// No such intent.
    IntentUnknown = "intent_unknown", NOT_FOUND, false, "No such intent";
    /// No such auction.
    AuctionUnknown = "auction_unknown", NOT_FOUND, false, "No such auction";
    /// The auction had closed; `late_by_ms` says by how much.
    BidLate = "bid_late", CONFLICT, false, "The auction is closed";
    /// The client bid id stands for another bid in this auction; `bid` names it.
    IdReused = "id_reused", CONFLICT, false, "The client bid id is used";
    /// The signing key belongs to no registered solver.
    SolverUnknown = "solver_unknown", FORBIDDEN, false, "The solver is not registered";
    /// The solver is paused.
    SolverPaused = "solver_paused", FORBIDDEN, true, "The solver is paused";
    /// The filler has not bound itself to a solver.
    FillerUnbound = "filler_unbound", FORBIDDEN, false, "The filler is bound to nobody";
    /// The filler is bound to another solver.
    FillerForeign = "filler_foreign", FORBIDDEN, false, "The filler is bound to another solver";
    /// The solver has as many bids in this auction as it may.
    QuotaExceeded = "quota_exceeded", TOO_MANY_REQUESTS, false, "The auction's quota is used up";
    /// Too many requests of one address, owner or solver.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, true, "Too many requests";
    /// The cursor is unknown here, or older than what is kept.
    ResyncRequired = "resync_required", GONE, false, "Start again from a snapshot";
    /// Too many requests or connections at once.
    Busy = "busy", SERVICE_UNAVAILABLE, true, "Too busy";
    /// Postgres, Redis or the chain's node does not answer; nothing accepted is lost.
    DependencyUnavailable = "dependency_unavailable", SERVICE_UNAVAILABLE, true, "A dependency does not answer";
    /// The process is about to stop.
    ShuttingDown = "shutting_down", SERVICE_UNAVAILABLE, true, "Shutting down";
    /// The path takes other methods; `Allow` names them.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, false, "Method not allowed";
    /// The path is a WebSocket.
    UpgradeRequired = "upgrade_required", UPGRADE_REQUIRED, false, "Open it as a WebSocket";
    /// None of the types in `Accept` can be served.
    NotAcceptable = "not_acceptable", NOT_ACCEPTABLE, false, "Not acceptable";
    /// The body took too long to arrive.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, true, "The request took too long";
    /// The body is over the limit.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, false, "The body is too large";
    /// The body must be `application/json`.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, false, "Unsupported media type";
    /// Our fault.
    Internal = "internal", INTERNAL_SERVER_ERROR, true, "Internal error";
}

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
    /// What the intent may sell (`insufficient_…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<Amount>,
    /// What the owner has (`insufficient_…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<Amount>,
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

    #[test]
    fn every_code_is_a_client_or_server_error_with_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(code.status().as_u16() >= 400);
            assert!(names.insert(code.as_str()), "{} twice", code.as_str());
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}

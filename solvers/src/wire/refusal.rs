//! What a refused client is told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A refusal: the members every problem+json body and every `bid.nack` frame share. Unknown
/// members are passed over, so a client keeps working when the server tells more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nack {
    /// The stable cause, e.g. `bid_late`, `id_reused`, `solver_unknown`.
    pub code: String,
    /// One sentence.
    pub detail: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// By how many milliseconds a bid was late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_by_ms: Option<u64>,
    /// What was wrong with which field, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldRefusal>,
}

/// One field's error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FieldError)]
pub struct FieldRefusal {
    /// The field's name as the client sent it.
    pub field: String,
    /// The stable cause.
    pub code: String,
    /// One sentence.
    pub detail: String,
}

impl Nack {
    /// A refusal without further members.
    #[must_use]
    pub fn new(code: &str, detail: impl Into<String>, retryable: bool) -> Self {
        let (code, detail) = (code.to_owned(), detail.into());
        Self { code, detail, retryable, late_by_ms: None, errors: Vec::new() }
    }
}

//! What was wrong with which field. All of them are reported at once.

use std::fmt;

use serde::Serialize;

/// One field's error: where, a stable code, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name as the client sent it.
    pub field: String,
    /// The cause.
    #[serde(rename = "code")]
    pub fault: FieldFault,
    /// One sentence.
    pub detail: String,
}

/// The stable cause of a field error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldFault {
    /// The field is required and absent.
    Missing,
    /// No such field.
    Unknown,
    /// Another JSON type is wanted; numbers of 256 bits are decimal strings.
    WrongType,
    /// Not a plain decimal string.
    NotDecimal,
    /// Over the field's range.
    TooLarge,
    /// Zero where something is needed.
    Zero,
    /// Not an address.
    InvalidAddress,
    /// Not hexadecimal bytes of the right length.
    InvalidHex,
    /// The same token on both sides.
    SameToken,
    /// In the past.
    Expired,
    /// Further in the future than allowed.
    TooFar,
    /// None of the values allowed.
    NotAllowed,
}

impl FieldError {
    /// An error at `field`.
    #[must_use]
    pub fn new(field: &str, fault: FieldFault, detail: impl Into<String>) -> Self {
        Self { field: field.to_owned(), fault, detail: detail.into() }
    }
}

/// Every field error of one message; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(transparent)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// `Err` if there is any error, else `value`.
    ///
    /// # Errors
    /// The errors, if there are any.
    pub fn unless_any<T>(errors: Vec<FieldError>, value: Option<T>) -> Result<T, Self> {
        match (errors.is_empty(), value) {
            (true, Some(value)) => Ok(value),
            (false, _) => Err(Self(errors)),
            (true, None) => Err(Self(vec![FieldError::new("", FieldFault::Missing, "is missing")])),
        }
    }

    /// The errors, in the order of the fields.
    #[must_use]
    pub fn as_slice(&self) -> &[FieldError] {
        &self.0
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{} {}", error.field, error.detail)?;
        }
        Ok(())
    }
}

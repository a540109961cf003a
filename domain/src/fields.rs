//! Reads a JSON object field by field and keeps every error, so that a client mends all at once.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes};
use serde_json::{Map, Value};

use crate::{
    Amount, AmountError,
    intent::{FieldError, FieldErrors, FieldFault},
};

/// A JSON object being read.
#[derive(Debug)]
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    seen: BTreeSet<&'static str>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Starts reading.
    #[must_use]
    pub fn new(object: &'a Map<String, Value>) -> Self {
        Self { object, seen: BTreeSet::new(), errors: Vec::new() }
    }

    /// Notes an error at `field`.
    pub fn fail(&mut self, field: &'static str, fault: FieldFault, detail: impl Into<String>) {
        self.errors.push(FieldError::new(field, fault, detail));
    }

    /// The value at `field`, or `None` where it is absent or null.
    pub fn optional(&mut self, field: &'static str) -> Option<&'a Value> {
        self.seen.insert(field);
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// The value at `field`; its absence is an error.
    pub fn required(&mut self, field: &'static str) -> Option<&'a Value> {
        let value = self.optional(field);
        if value.is_none() {
            self.fail(field, FieldFault::Missing, "is required");
        }
        value
    }

    /// A string.
    pub fn text(&mut self, field: &'static str, value: &'a Value) -> Option<&'a str> {
        let text = value.as_str();
        if text.is_none() {
            self.fail(field, FieldFault::WrongType, "must be a JSON string");
        }
        text
    }

    /// A decimal string of up to 256 bits; zero is allowed.
    pub fn uint256(&mut self, field: &'static str) -> Option<Amount> {
        let value = self.required(field)?;
        let text = self.text(field, value)?;
        match text.parse() {
            Ok(amount) => Some(amount),
            Err(error @ AmountError::NotDecimal) => {
                self.fail(field, FieldFault::NotDecimal, error.to_string());
                None
            }
            Err(error @ AmountError::TooLarge) => {
                self.fail(field, FieldFault::TooLarge, error.to_string());
                None
            }
        }
    }

    /// A decimal string above zero.
    pub fn amount(&mut self, field: &'static str) -> Option<Amount> {
        let amount = self.uint256(field)?;
        if amount.is_zero() {
            self.fail(field, FieldFault::Zero, "must be above zero");
            return None;
        }
        Some(amount)
    }

    /// A JSON integer in `0..=max`.
    pub fn integer(&mut self, field: &'static str, max: u64) -> Option<u64> {
        let value = self.required(field)?;
        let Some(number) = value.as_u64() else {
            self.fail(field, FieldFault::WrongType, "must be a JSON integer, not below zero");
            return None;
        };
        if number > max {
            self.fail(field, FieldFault::TooLarge, format!("must be at most {max}"));
            return None;
        }
        Some(number)
    }

    /// A JSON boolean.
    pub fn boolean(&mut self, field: &'static str) -> Option<bool> {
        let value = self.required(field)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.fail(field, FieldFault::WrongType, "must be true or false");
        }
        flag
    }

    /// An address that is not zero, in any case.
    pub fn address(&mut self, field: &'static str) -> Option<Address> {
        let value = self.required(field)?;
        let address = self.parse_address(field, value)?;
        if address.is_zero() {
            self.fail(field, FieldFault::Zero, "must not be the zero address");
            return None;
        }
        Some(address)
    }

    /// An address; zero where absent.
    pub fn address_or_zero(&mut self, field: &'static str) -> Option<Address> {
        match self.optional(field) {
            None => Some(Address::ZERO),
            Some(value) => self.parse_address(field, value),
        }
    }

    fn parse_address(&mut self, field: &'static str, value: &'a Value) -> Option<Address> {
        let text = self.text(field, value)?;
        let address = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
        let address = address.and_then(|digits| digits.parse().ok());
        if address.is_none() {
            self.fail(field, FieldFault::InvalidAddress, "must be 0x and 40 hexadecimal digits");
        }
        address
    }

    /// Bytes in hexadecimal with 0x, at most `max` of them.
    pub fn bytes(&mut self, field: &'static str, max: usize) -> Option<Bytes> {
        let value = self.required(field)?;
        let text = self.text(field, value)?;
        let Some(bytes) = text.strip_prefix("0x").and_then(|_| text.parse::<Bytes>().ok()) else {
            self.fail(field, FieldFault::InvalidHex, "must be 0x and pairs of hexadecimal digits");
            return None;
        };
        if bytes.len() > max {
            self.fail(field, FieldFault::TooLarge, format!("must be at most {max} bytes"));
            return None;
        }
        Some(bytes)
    }

    /// 32 bytes in hexadecimal.
    pub fn word(&mut self, field: &'static str) -> Option<B256> {
        let value = self.required(field)?;
        self.parse_word(field, value)
    }

    /// 32 bytes in hexadecimal; zero where absent.
    pub fn word_or_zero(&mut self, field: &'static str) -> Option<B256> {
        match self.optional(field) {
            None => Some(B256::ZERO),
            Some(value) => self.parse_word(field, value),
        }
    }

    fn parse_word(&mut self, field: &'static str, value: &'a Value) -> Option<B256> {
        let text = self.text(field, value)?;
        let word = text.strip_prefix("0x").filter(|digits| digits.len() == 64);
        let word = word.and_then(|digits| digits.parse().ok());
        if word.is_none() {
            self.fail(field, FieldFault::InvalidHex, "must be 0x and 64 hexadecimal digits");
        }
        word
    }

    /// Ends the reading: unknown fields are errors too.
    ///
    /// # Errors
    /// Every field error, if there is any.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, FieldErrors> {
        for name in self.object.keys() {
            if !self.seen.contains(name.as_str()) {
                self.errors.push(FieldError::new(
                    name,
                    FieldFault::Unknown,
                    "is not a known field",
                ));
            }
        }
        FieldErrors::unless_any(self.errors, value)
    }
}

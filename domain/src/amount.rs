//! Token amounts: 256-bit, checked, decimal strings in JSON.

use std::{fmt, str::FromStr};

use alloy_primitives::{U256, U512};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount of a token in its smallest unit (atoms).
///
/// JSON carries it as a decimal string, because JSON numbers lose precision above 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, pattern = "^(0|[1-9][0-9]{0,77})$", example = "1000000000000000000")]
pub struct Amount(U256);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Anything but ASCII digits without a leading zero.
    #[error("must be a decimal string of digits, without sign, exponent or leading zeros")]
    NotDecimal,
    /// More than 2^256 - 1.
    #[error("must be at most 2^256 - 1")]
    TooLarge,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(U256::ZERO);
    /// 2^256 - 1.
    pub const MAX: Self = Self(U256::MAX);

    /// Wraps a number of atoms.
    #[must_use]
    pub const fn new(atoms: U256) -> Self {
        Self(atoms)
    }

    /// The number of atoms.
    #[must_use]
    pub const fn get(self) -> U256 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The sum, or `None` above 2^256 - 1.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The difference, zero where it would be negative.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self * numerator / denominator` through 512 bits, rounded down.
    /// `None` if the denominator is zero or the result exceeds 2^256 - 1.
    #[must_use]
    pub fn mul_div_floor(self, numerator: U256, denominator: U256) -> Option<Self> {
        if denominator.is_zero() {
            return None;
        }
        let quotient = self.0.widening_mul::<256, 4, 512, 8>(numerator) / U512::from(denominator);
        narrow(quotient)
    }

    /// `self * numerator / denominator` through 512 bits, rounded up.
    /// `None` if the denominator is zero or the result exceeds 2^256 - 1.
    #[must_use]
    pub fn mul_div_ceil(self, numerator: U256, denominator: U256) -> Option<Self> {
        if denominator.is_zero() {
            return None;
        }
        let product = self.0.widening_mul::<256, 4, 512, 8>(numerator);
        narrow(product.div_ceil(U512::from(denominator)))
    }

    /// Compares `self * a` with `other * b` without overflow.
    #[must_use]
    pub fn cmp_products(self, a: Self, other: Self, b: Self) -> std::cmp::Ordering {
        let left: U512 = self.0.widening_mul(a.0);
        let right: U512 = other.0.widening_mul(b.0);
        left.cmp(&right)
    }
}

fn narrow(value: U512) -> Option<Amount> {
    U256::checked_from_limbs_slice(value.as_limbs()).map(Amount)
}

impl From<u64> for Amount {
    fn from(atoms: u64) -> Self {
        Self(U256::from(atoms))
    }
}

impl From<u128> for Amount {
    fn from(atoms: u128) -> Self {
        Self(U256::from(atoms))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let canonical = text == "0" || !text.starts_with('0');
        if text.is_empty() || !canonical || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AmountError::NotDecimal);
        }
        if text.len() > 78 {
            return Err(AmountError::TooLarge);
        }
        U256::from_str_radix(text, 10).map(Self).map_err(|_| AmountError::TooLarge)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimal_strings_are_amounts() {
        for text in ["", "00", "01", "-1", "+1", "1e18", "0x10", " 1", "1.0", "١"] {
            assert_eq!(text.parse::<Amount>(), Err(AmountError::NotDecimal), "{text:?}");
        }
        assert_eq!("0".parse::<Amount>(), Ok(Amount::ZERO));
    }

    #[test]
    fn the_largest_amount_is_two_to_the_256_minus_one() {
        let max = Amount::MAX.to_string();
        assert_eq!(max.parse::<Amount>(), Ok(Amount::MAX));
        let mut over = max.into_bytes();
        *over.last_mut().unwrap() += 1;
        let over = String::from_utf8(over).unwrap();
        assert_eq!(over.parse::<Amount>(), Err(AmountError::TooLarge));
        assert_eq!("9".repeat(79).parse::<Amount>(), Err(AmountError::TooLarge));
    }

    #[test]
    fn a_json_number_is_not_an_amount() {
        assert!(serde_json::from_str::<Amount>("1").is_err());
        assert_eq!(serde_json::from_str::<Amount>("\"1\"").unwrap(), Amount::from(1u64));
        assert_eq!(serde_json::to_string(&Amount::from(7u64)).unwrap(), "\"7\"");
    }

    #[test]
    fn products_are_taken_through_512_bits() {
        let half = Amount::new(U256::MAX >> 1);
        assert_eq!(Amount::MAX.mul_div_floor(half.get(), U256::MAX), Some(half));
        assert_eq!(Amount::MAX.mul_div_floor(U256::from(2), U256::from(1)), None);
        assert_eq!(
            Amount::from(7u64).mul_div_ceil(U256::from(1), U256::from(2)),
            Some(Amount::from(4u64))
        );
        assert_eq!(Amount::from(7u64).mul_div_floor(U256::from(1), U256::ZERO), None);
    }
}

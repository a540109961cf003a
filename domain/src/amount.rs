//! Token amounts: 256-bit, checked, decimal strings in JSON.

use std::{cmp::Ordering, fmt, str::FromStr};

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

    /// Whether one fill can move as much: the contract keeps both its amounts in one word, so either is
    /// at most 2^128 - 1.
    #[must_use]
    pub fn fits_fill(self) -> bool {
        narrow(self.0).is_some()
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
        let (quotient, _) = mul_div(self.0, numerator, denominator)?;
        Some(Self(quotient))
    }

    /// `self * numerator / denominator` through 512 bits, rounded up.
    /// `None` if the denominator is zero or the result exceeds 2^256 - 1.
    #[must_use]
    pub fn mul_div_ceil(self, numerator: U256, denominator: U256) -> Option<Self> {
        let (quotient, exact) = mul_div(self.0, numerator, denominator)?;
        if exact { Some(Self(quotient)) } else { quotient.checked_add(U256::ONE).map(Self) }
    }

    /// Compares `self * a` with `other * b` without overflow.
    #[must_use]
    pub fn cmp_products(self, a: Self, other: Self, b: Self) -> Ordering {
        let short = (narrow(self.0), narrow(a.0), narrow(other.0), narrow(b.0));
        if let (Some(self_), Some(a), Some(other), Some(b)) = short {
            return product(self_, a).cmp(&product(other, b));
        }
        cmp_wide_products(self.0, a.0, other.0, b.0)
    }
}

/// The quotient rounded down, and whether nothing was lost by that. Real amounts, prices and their
/// products seldom have more than 128 and 256 bits, which is several times cheaper than 512.
fn mul_div(a: U256, b: U256, denominator: U256) -> Option<(U256, bool)> {
    if denominator.is_zero() {
        return None;
    }
    if let (Some(a), Some(b)) = (narrow(a), narrow(b)) {
        let (high, low) = product(a, b);
        let product = (U256::from(high) << 128_usize) | U256::from(low);
        let (quotient, rest) = product.div_rem(denominator);
        return Some((quotient, rest.is_zero()));
    }
    wide_mul_div(a, b, denominator)
}

fn wide_mul_div(a: U256, b: U256, denominator: U256) -> Option<(U256, bool)> {
    let product: U512 = a.widening_mul(b);
    let (quotient, rest) = product.div_rem(U512::from(denominator));
    Some((U256::checked_from_limbs_slice(quotient.as_limbs())?, rest.is_zero()))
}

fn cmp_wide_products(a: U256, b: U256, c: U256, d: U256) -> Ordering {
    let left: U512 = a.widening_mul(b);
    let right: U512 = c.widening_mul(d);
    left.cmp(&right)
}

fn narrow(value: U256) -> Option<u128> {
    let [a, b, c, d] = value.into_limbs();
    ((c | d) == 0).then(|| u128::from(a) | u128::from(b) << 64)
}

/// The product's upper and lower 128 bits.
fn product(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let low = a_low * b_low;
    let (cross, other) = (a_low * b_high, a_high * b_low);
    let middle = (low >> 64) + (cross & LOW) + (other & LOW);
    let high = a_high * b_high + (cross >> 64) + (other >> 64) + (middle >> 64);
    (high, (middle << 64) | (low & LOW))
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
    use proptest::prelude::*;

    use super::*;

    /// Numbers of every length, most of them near where a path or a limb ends.
    fn number() -> impl Strategy<Value = U256> {
        let near = (0usize..=256, -2i64..=2).prop_map(|(bit, by)| {
            let edge = if bit == 256 { U256::ZERO } else { U256::ONE << bit };
            edge.wrapping_add(if by < 0 { U256::MAX - U256::from(-by - 1) } else { U256::from(by) })
        });
        let any = any::<[u64; 4]>().prop_map(U256::from_limbs);
        (prop_oneof![near, any.clone(), any], 0usize..256).prop_map(|(n, by)| n >> by)
    }

    proptest! {
        #[test]
        fn short_products_are_the_long_ones(a in number(), b in number(), c in number(), d in number()) {
            prop_assert_eq!(
                Amount(a).cmp_products(Amount(b), Amount(c), Amount(d)),
                cmp_wide_products(a, b, c, d)
            );
            prop_assert_eq!(Amount(a).cmp_products(Amount(b), Amount(b), Amount(a)), Ordering::Equal);
            if !c.is_zero() {
                prop_assert_eq!(mul_div(a, b, c), wide_mul_div(a, b, c));
            }
        }

        #[test]
        fn both_roundings_enclose_the_quotient(a in number(), b in number(), c in number()) {
            let (amount, c) = (Amount(a), c.max(U256::ONE));
            let product: U512 = a.widening_mul(b);
            let times = |quotient: Amount| -> U512 { quotient.0.widening_mul(c) };
            match amount.mul_div_floor(b, c) {
                Some(floor) => {
                    prop_assert!(times(floor) <= product && product - times(floor) < U512::from(c));
                    let up = amount.mul_div_ceil(b, c);
                    let exact = times(floor) == product;
                    prop_assert_eq!(up, floor.checked_add(Amount::from(u64::from(!exact))));
                }
                None => prop_assert!(product / U512::from(c) > U512::from(U256::MAX)),
            }
        }
    }

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

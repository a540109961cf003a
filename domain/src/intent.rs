//! The swap intent: what an owner signs, and the only thing that can move an owner's tokens.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::{
    Amount, IntentId,
    eip712::{SigningDomain, TypedIntent},
};

mod draft;
mod error;

pub use draft::Bounds;
pub use error::{FieldError, FieldErrors, FieldFault};

/// Which side of the swap is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Kind {
    /// Sell exactly `sell_amount` for at least `buy_amount`.
    ExactIn,
    /// Buy exactly `buy_amount` for at most `sell_amount`.
    ExactOut,
}

/// A number that is neither 0 (exact-in) nor 1 (exact-out).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kind must be 0 (exact-in) or 1 (exact-out)")]
pub struct InvalidKind;

impl TryFrom<u8> for Kind {
    type Error = InvalidKind;

    fn try_from(number: u8) -> Result<Self, InvalidKind> {
        match number {
            0 => Ok(Self::ExactIn),
            1 => Ok(Self::ExactOut),
            _ => Err(InvalidKind),
        }
    }
}

impl From<Kind> for u8 {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::ExactIn => 0,
            Kind::ExactOut => 1,
        }
    }
}

/// An ordered pair of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The token the owner gives.
    pub sell: Address,
    /// The token the receiver gets.
    pub buy: Address,
}

/// A well-formed intent: addresses present, tokens distinct, amounts above zero.
///
/// The JSON form is the EIP-712 message as wallets sign it; [`Intent::parse`] is the only way in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    #[serde(with = "crate::eip55")]
    owner: Address,
    #[serde(with = "crate::eip55")]
    receiver: Address,
    #[serde(with = "crate::eip55")]
    sell_token: Address,
    #[serde(with = "crate::eip55")]
    buy_token: Address,
    sell_amount: Amount,
    buy_amount: Amount,
    nonce: Amount,
    valid_to: u32,
    kind: Kind,
    partially_fillable: bool,
    app_data: B256,
}

impl Intent {
    /// Whose tokens are sold.
    #[must_use]
    pub const fn owner(&self) -> Address {
        self.owner
    }

    /// The receiver as signed; zero means the owner.
    #[must_use]
    pub const fn signed_receiver(&self) -> Address {
        self.receiver
    }

    /// Who gets the bought tokens.
    #[must_use]
    pub fn receiver(&self) -> Address {
        if self.receiver.is_zero() { self.owner } else { self.receiver }
    }

    /// The pair that is traded.
    #[must_use]
    pub const fn pair(&self) -> Pair {
        Pair { sell: self.sell_token, buy: self.buy_token }
    }

    /// The most that is sold (exact-out), or what is sold in all (exact-in).
    #[must_use]
    pub const fn sell_amount(&self) -> Amount {
        self.sell_amount
    }

    /// The least that is bought (exact-in), or what is bought in all (exact-out).
    #[must_use]
    pub const fn buy_amount(&self) -> Amount {
        self.buy_amount
    }

    /// Its bit in the owner's unordered nonce bitmap: word `nonce >> 8`, bit `nonce & 255`.
    #[must_use]
    pub const fn nonce(&self) -> U256 {
        self.nonce.get()
    }

    /// The last second in which it may settle, Unix time.
    #[must_use]
    pub const fn valid_to(&self) -> u32 {
        self.valid_to
    }

    /// Which side is exact.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether several fills may add up to the whole.
    #[must_use]
    pub const fn partially_fillable(&self) -> bool {
        self.partially_fillable
    }

    /// The wallet's own reference; the contract does not read it.
    #[must_use]
    pub const fn app_data(&self) -> B256 {
        self.app_data
    }

    /// The exact side's amount: what a complete fill moves, in the unit `filled` is kept in.
    #[must_use]
    pub const fn exact_amount(&self) -> Amount {
        match self.kind {
            Kind::ExactIn => self.sell_amount,
            Kind::ExactOut => self.buy_amount,
        }
    }

    /// The intent's id in a deployment: its EIP-712 digest.
    #[must_use]
    pub fn id(&self, domain: &SigningDomain) -> IntentId {
        IntentId::new(domain.digest(&self.typed()))
    }

    /// The struct as it is hashed.
    #[must_use]
    pub fn typed(&self) -> TypedIntent {
        TypedIntent {
            owner: self.owner,
            receiver: self.receiver,
            sellToken: self.sell_token,
            buyToken: self.buy_token,
            sellAmount: self.sell_amount.get(),
            buyAmount: self.buy_amount.get(),
            nonce: self.nonce.get(),
            validTo: self.valid_to,
            kind: self.kind.into(),
            partiallyFillable: self.partially_fillable,
            appData: self.app_data,
        }
    }
}

/// Reads the JSON form back, from our own stores and from the stream.
impl<'de> Deserialize<'de> for Intent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let message = serde_json::Map::deserialize(deserializer)?;
        Self::parse(&message, Bounds::any_time()).map_err(serde::de::Error::custom)
    }
}

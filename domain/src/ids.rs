//! Identifiers. Each is its own type, so that a bid's digest cannot be passed for an intent's.

use std::{fmt, str::FromStr};

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, pattern = "^0x[0-9a-f]{64}$")]
        pub struct $name(B256);

        impl $name {
            /// Wraps a digest.
            #[must_use]
            pub const fn new(digest: B256) -> Self {
                Self(digest)
            }

            /// The digest.
            #[must_use]
            pub const fn get(self) -> B256 {
                self.0
            }

            /// The digest's bytes, as stored.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_slice()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = text.strip_prefix("0x").ok_or(InvalidId)?;
                if digits.len() != 64 {
                    return Err(InvalidId);
                }
                B256::from_str(text).map(Self).map_err(|_| InvalidId)
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = InvalidId;

            fn try_from(bytes: &[u8]) -> Result<Self, InvalidId> {
                B256::try_from(bytes).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

/// The text or bytes are not a 32-byte digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 0x and 64 hexadecimal digits")]
pub struct InvalidId;

digest_id!(
    /// An intent's id: its EIP-712 digest, so the same signed intent is always the same row.
    IntentId
);
digest_id!(
    /// A bid's id: its EIP-712 digest.
    BidId
);
digest_id!(
    /// The hash of an auction's opening record, chained to the record before it.
    OpenHash
);

/// An auction's number: 1, 2, 3, … without gaps, per chain.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = u64)]
pub struct AuctionId(u64);

impl AuctionId {
    /// Wraps a number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The auction after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for AuctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

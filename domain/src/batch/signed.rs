//! Intents and bids with the signatures that make somebody answer for them.

use alloy_primitives::Bytes;

use crate::{bid::Bid, intent::Intent, signature::EcdsaSignature};

/// How an owner's signature travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerSignature {
    /// ECDSA, 64 bytes in the batch.
    Ecdsa(EcdsaSignature),
    /// Bytes for the owner's own `isValidSignature` (ERC-1271).
    Contract(Bytes),
}

/// An intent with the signature that allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIntent {
    /// The intent.
    pub intent: Intent,
    /// Its owner's consent.
    pub signature: OwnerSignature,
}

/// The JSON form `{intent, kind: "ecdsa" | "contract", signature}` of records.
impl serde::Serialize for SignedIntent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let (kind, bytes) = match &self.signature {
            OwnerSignature::Ecdsa(signature) => (ECDSA, Bytes::from(signature.to_rsv())),
            OwnerSignature::Contract(bytes) => (CONTRACT, bytes.clone()),
        };
        let mut body = serializer.serialize_struct("SignedIntent", 3)?;
        body.serialize_field("intent", &self.intent)?;
        body.serialize_field("kind", kind)?;
        body.serialize_field("signature", &bytes)?;
        body.end()
    }
}

impl<'de> serde::Deserialize<'de> for SignedIntent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let Message { intent, kind, signature } = Message::deserialize(deserializer)?;
        let signature = match kind.as_str() {
            ECDSA => EcdsaSignature::parse(&signature).map(OwnerSignature::Ecdsa),
            CONTRACT => Ok(OwnerSignature::Contract(signature)),
            other => return Err(D::Error::unknown_variant(other, &[ECDSA, CONTRACT])),
        };
        Ok(Self { intent, signature: signature.map_err(D::Error::custom)? })
    }
}

const ECDSA: &str = "ecdsa";
const CONTRACT: &str = "contract";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    intent: Intent,
    kind: String,
    signature: Bytes,
}

/// A bid with the signature that makes its solver answer for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBid {
    /// The bid.
    pub bid: Bid,
    /// The solver's, or one of its keys'.
    pub signature: EcdsaSignature,
}

/// A signed bid as it stands in a batch: with who gets what of its penalty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchBid {
    /// The bid.
    pub signed: SignedBid,
    /// The share of each of its intents, by id, in basis points of the penalty; empty if and only if
    /// there is none. Together 10,000 at most.
    pub shares: Vec<u16>,
}

impl BatchBid {
    /// A bid in whose batch nobody gets anything of its penalty: to be run, not to be settled.
    #[must_use]
    pub fn unshared(signed: SignedBid) -> Self {
        let shared = signed.bid.terms().penalty != 0;
        let shares = if shared { vec![0; signed.bid.fills().len()] } else { Vec::new() };
        Self { signed, shares }
    }
}

/// The JSON form `{bid, legs, callback, signature}`, as solvers send it and as it is queued.
impl serde::Serialize for SignedBid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut body = serializer.serialize_struct("SignedBid", 4)?;
        body.serialize_field("bid", self.bid.terms())?;
        body.serialize_field("legs", self.bid.legs())?;
        body.serialize_field("callback", self.bid.callback())?;
        body.serialize_field("signature", &Bytes::from(self.signature.to_rsv()))?;
        body.end()
    }
}

impl<'de> serde::Deserialize<'de> for SignedBid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut body = serde_json::Map::deserialize(deserializer)?;
        let signature =
            body.remove("signature").ok_or_else(|| D::Error::missing_field("signature"))?;
        let signature: Bytes = serde_json::from_value(signature).map_err(D::Error::custom)?;
        let signature = EcdsaSignature::parse(&signature).map_err(D::Error::custom)?;
        Ok(Self { bid: Bid::parse(&body).map_err(D::Error::custom)?, signature })
    }
}

//! A signed bid on its way to an auction.

use alloy_primitives::{Address, Bytes};
use domain::{
    Bid, BidId,
    batch::SignedBid,
    eip712::SigningDomain,
    fields::Fields,
    intent::FieldErrors,
    signature::{EcdsaSignature, SignatureError, SigningKey},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Receipt,
    schema::{BidTerms, LegMessage},
};

/// The most bytes a signature field may hold: enough to be told "65 bytes", not to be a flood.
const MAX_SIGNATURE: usize = 1024;

/// Body of `POST /v1/auctions/{id}/bids`: `{bid, legs, callback?, signature}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BidSubmission {
    /// The bid with its signature, as it is queued.
    pub signed: SignedBid,
}

/// Why a body is not a signed bid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// Fields are absent, unknown, of the wrong type or out of range: all of them.
    #[error(transparent)]
    Fields(#[from] FieldErrors),
    /// Every field reads well, but the signature's bytes are none.
    #[error("signature {0}")]
    Signature(#[from] SignatureError),
}

impl BidSubmission {
    /// Signs a bid for one deployment.
    #[must_use]
    pub fn sign(bid: Bid, key: &SigningKey, domain: &SigningDomain) -> Self {
        let signature = key.sign(bid.id(domain).get());
        Self { signed: SignedBid { bid, signature } }
    }

    /// Reads the body. Nothing is recovered yet.
    ///
    /// # Errors
    /// Every field error at once; the signature's own fault only if there is no other.
    pub fn parse(mut body: Map<String, Value>) -> Result<Self, SubmissionError> {
        let signed = body.remove("signature");
        let bid = Bid::parse(&body);
        let signature = parse_signature(signed);
        match (bid, signature) {
            (Ok(bid), Ok(bytes)) => {
                let signature = EcdsaSignature::parse(&bytes)?;
                Ok(Self { signed: SignedBid { bid, signature } })
            }
            (bid, signature) => {
                let errors = [bid.err(), signature.err()];
                let errors = errors.iter().flatten().flat_map(FieldErrors::as_slice);
                Ok(FieldErrors::unless_any(errors.cloned().collect(), None)?)
            }
        }
    }

    /// The bid's id in a deployment.
    #[must_use]
    pub fn id(&self, domain: &SigningDomain) -> BidId {
        self.signed.bid.id(domain)
    }

    /// The address that signed it; whether it may sign for the solver is the registry's answer.
    ///
    /// # Errors
    /// [`SignatureError::Unrecoverable`] if there is none.
    pub fn signer(&self, domain: &SigningDomain) -> Result<Address, SignatureError> {
        self.signed.signature.recover(self.id(domain).get())
    }
}

fn parse_signature(signed: Option<Value>) -> Result<Bytes, FieldErrors> {
    let object: Map<String, Value> =
        signed.map(|v| ("signature".to_owned(), v)).into_iter().collect();
    let mut fields = Fields::new(&object);
    let bytes = fields.bytes("signature", MAX_SIGNATURE);
    fields.finish(bytes)
}

/// A signed bid for an auction.
#[derive(ToSchema)]
#[schema(as = BidSubmission)]
#[allow(dead_code, reason = "read by the schema macro only")]
struct BidSubmissionBody {
    bid: BidTerms,
    /// 1 to 1024 transfers.
    legs: Vec<LegMessage>,
    /// The data the filler is called with; absent means none.
    callback: Option<String>,
    /// 64 (EIP-2098) or 65 bytes over the bid's EIP-712 digest.
    #[schema(pattern = "^0x[0-9a-fA-F]{128,130}$")]
    signature: String,
}

impl utoipa::PartialSchema for BidSubmission {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        BidSubmissionBody::schema()
    }
}

impl ToSchema for BidSubmission {
    fn name() -> std::borrow::Cow<'static, str> {
        BidSubmissionBody::name()
    }

    fn schemas(
        schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>,
    ) {
        BidSubmissionBody::schemas(schemas);
    }
}

/// The answer to a bid that was queued: 201, or 200 on a repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidAccepted {
    /// The operator's promise that this bid is counted.
    pub receipt: Receipt,
    /// The rule this bid breaks by itself, so that it will be dropped: its code and numbers, as
    /// in a verdict. Absent if it breaks none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<domain::auction::DropReason>)]
    pub advice: Option<Value>,
}

#[cfg(test)]
mod tests;

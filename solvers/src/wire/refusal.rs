//! What a refused client is told.

use alloy_primitives::{Address, Bytes};
use domain::{
    AuctionId, BidId,
    eip712::{SigningDomain, TypedNack},
    signature::{EcdsaSignature, SignatureError, SigningKey},
};
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
    /// The operator's word for it, once it is known whose bid it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedNack>,
    /// What was wrong with which field, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldRefusal>,
}

/// The operator's signed statement that it refused a bid, and why: what a receipt is for a bid
/// that was taken. Signed is the EIP-712 struct
/// `Nack(bytes32 bid,uint64 auctionId,string code,uint64 ms)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedNack {
    /// The bid.
    pub bid: BidId,
    /// The auction it was sent to.
    pub auction_id: AuctionId,
    /// The stable cause.
    pub code: String,
    /// When it was refused, Unix milliseconds.
    pub ms: u64,
    /// 65 bytes by the `receipt_signer` of `/v1/chain`.
    #[schema(value_type = String, pattern = "^0x[0-9a-f]{130}$")]
    pub signature: Bytes,
}

impl SignedNack {
    /// Signs a refusal.
    #[must_use]
    pub fn sign(
        (auction_id, bid): (AuctionId, BidId),
        code: &str,
        ms: u64,
        key: &SigningKey,
        domain: &SigningDomain,
    ) -> Self {
        let unsigned = Self { bid, auction_id, code: code.to_owned(), ms, signature: Bytes::new() };
        let signature = key.sign(unsigned.digest(domain)).to_rsv();
        Self { signature: Bytes::copy_from_slice(&signature), ..unsigned }
    }

    /// Who signed it.
    ///
    /// # Errors
    /// A malformed signature, or one that recovers to nobody.
    pub fn signer(&self, domain: &SigningDomain) -> Result<Address, SignatureError> {
        EcdsaSignature::parse(&self.signature)?.recover(self.digest(domain))
    }

    fn digest(&self, domain: &SigningDomain) -> alloy_primitives::B256 {
        domain.digest(&TypedNack {
            bid: self.bid.get(),
            auctionId: self.auction_id.get(),
            code: self.code.clone(),
            ms: self.ms,
        })
    }
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
        Self { code, detail, retryable, late_by_ms: None, signed: None, errors: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    #[test]
    fn a_signed_refusal_holds_for_its_bid_cause_and_deployment_only() {
        let key = SigningKey::from_bytes([7; 32]).unwrap();
        let domain = SigningDomain::new(1, Address::repeat_byte(9));
        let about = (AuctionId::new(3), BidId::new(B256::repeat_byte(2)));
        let nack = SignedNack::sign(about, "bid_late", 17, &key, &domain);
        assert_eq!(nack.signer(&domain), Ok(key.address()));
        let other = SignedNack { code: "id_reused".to_owned(), ..nack.clone() };
        assert_ne!(other.signer(&domain), Ok(key.address()));
        let elsewhere = SigningDomain::new(2, Address::repeat_byte(9));
        assert_ne!(nack.signer(&elsewhere), Ok(key.address()));
    }
}

//! Receipts: a receipt without a leaf under the auction's bids root proves censorship.

use alloy_primitives::{Address, Bytes};
use domain::{
    AuctionId, BidId, OpenHash,
    eip712::{SigningDomain, TypedReceipt},
    signature::{EcdsaSignature, SignatureError, SigningKey},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a bid stands in its auction's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The auction.
    pub auction_id: AuctionId,
    /// Hash of its opening record.
    pub open_hash: OpenHash,
    /// The bid.
    pub bid: BidId,
    /// Redis time at which it was queued, Unix milliseconds.
    pub ms: u64,
    /// Its number within that millisecond.
    pub seq: u64,
}

/// The operator's signed statement that a bid is in an auction's stream at this place.
///
/// Signed is the EIP-712 struct `Receipt(bytes32 openHash,bytes32 bid,uint64 ms,uint64 seq)`; the
/// auction's number is bound by the opening hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The auction.
    pub auction_id: AuctionId,
    /// Hash of its opening record.
    pub open_hash: OpenHash,
    /// The bid.
    pub bid: BidId,
    /// Redis time at which it was queued, Unix milliseconds.
    pub ms: u64,
    /// Its number within that millisecond.
    pub seq: u64,
    /// 65 bytes by the `receipt_signer` of `/v1/chain`.
    #[schema(value_type = String, pattern = "^0x[0-9a-f]{130}$")]
    pub signature: Bytes,
}

/// Why a receipt is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The signature is malformed or recovers to nobody.
    #[error("the receipt's signature {0}")]
    Signature(#[from] SignatureError),
    /// Signed by another key than the operator's receipt key.
    #[error("the receipt is signed by {found}, not by {wanted}")]
    Signer {
        /// Who signed.
        found: Address,
        /// Who should have.
        wanted: Address,
    },
}

impl Place {
    fn digest(&self, domain: &SigningDomain) -> alloy_primitives::B256 {
        domain.digest(&TypedReceipt {
            openHash: self.open_hash.get(),
            bid: self.bid.get(),
            ms: self.ms,
            seq: self.seq,
        })
    }
}

impl Receipt {
    /// Signs a place in a stream.
    #[must_use]
    pub fn sign(place: Place, key: &SigningKey, domain: &SigningDomain) -> Self {
        let signature = key.sign(place.digest(domain)).to_rsv();
        Self {
            auction_id: place.auction_id,
            open_hash: place.open_hash,
            bid: place.bid,
            ms: place.ms,
            seq: place.seq,
            signature: Bytes::copy_from_slice(&signature),
        }
    }

    /// Where it says the bid stands.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place {
            auction_id: self.auction_id,
            open_hash: self.open_hash,
            bid: self.bid,
            ms: self.ms,
            seq: self.seq,
        }
    }

    /// Checks that `signer` signed it for this deployment.
    ///
    /// # Errors
    /// A malformed signature, or another signer.
    pub fn verify(&self, domain: &SigningDomain, signer: Address) -> Result<(), ReceiptError> {
        let found = EcdsaSignature::parse(&self.signature)?.recover(self.place().digest(domain))?;
        if found == signer { Ok(()) } else { Err(ReceiptError::Signer { found, wanted: signer }) }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn place() -> Place {
        Place {
            auction_id: AuctionId::new(3),
            open_hash: OpenHash::new(B256::repeat_byte(1)),
            bid: BidId::new(B256::repeat_byte(2)),
            ms: 1_700_000_000_000,
            seq: 4,
        }
    }

    #[test]
    fn a_receipt_holds_for_its_place_signer_and_deployment_only() {
        let key = SigningKey::from_bytes([7; 32]).unwrap();
        let domain = SigningDomain::new(1, Address::repeat_byte(9));
        let receipt = Receipt::sign(place(), &key, &domain);
        assert_eq!(receipt.verify(&domain, key.address()), Ok(()));
        let json = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&json).unwrap(), receipt);

        let mut moved = receipt.clone();
        moved.seq += 1;
        assert!(moved.verify(&domain, key.address()).is_err());
        let elsewhere = SigningDomain::new(2, Address::repeat_byte(9));
        assert!(receipt.verify(&elsewhere, key.address()).is_err());
        let cut = Receipt { signature: Bytes::from_static(&[1; 12]), ..receipt };
        assert_eq!(
            cut.verify(&domain, key.address()),
            Err(ReceiptError::Signature(SignatureError::Length(12)))
        );
    }
}

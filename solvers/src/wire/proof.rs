//! That a bid is under an auction's root, as anybody can check with OpenZeppelin's library.

use alloy_primitives::B256;
use domain::{AuctionId, OpenHash, auction::BidLeaf, merkle};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Receipt;

/// Body of `GET /v1/auctions/{id}/proof`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidProof {
    /// The auction.
    pub auction_id: AuctionId,
    /// Hash of its opening record.
    pub open_hash: OpenHash,
    /// The root over every bid received, as it was fixed at the close.
    #[schema(value_type = String)]
    pub bids_root: B256,
    /// How many bids that root is over.
    pub bid_count: u32,
    /// The bid's leaf: `["uint32", "bytes32", "uint64", "uint64"]` of OpenZeppelin's standard tree.
    pub leaf: BidLeaf,
    /// The siblings from the leaf up to the root.
    #[schema(value_type = Vec<String>)]
    pub proof: Vec<B256>,
}

/// Why a proof does not show what a receipt promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The siblings do not lead from the leaf to the root.
    #[error("the proof does not lead to the root")]
    Root,
    /// The leaf is another bid's, or in another place than the receipt says.
    #[error("the leaf is not the one that the receipt promises")]
    Leaf,
    /// It is about another auction, or another opening of it.
    #[error("the proof is of another auction than the receipt")]
    Auction,
}

impl BidProof {
    /// Whether it shows that the bid of a receipt was counted where the receipt says. Whether the
    /// root is the one that was announced and committed to is for the caller to compare.
    ///
    /// # Errors
    /// A [`ProofError`].
    pub fn verify(&self, receipt: &Receipt) -> Result<(), ProofError> {
        let BidLeaf { bid, ms, seq, .. } = self.leaf;
        if (self.auction_id, self.open_hash) != (receipt.auction_id, receipt.open_hash) {
            return Err(ProofError::Auction);
        }
        if (bid, ms, seq) != (receipt.bid, receipt.ms, receipt.seq) {
            return Err(ProofError::Leaf);
        }
        if merkle::verify(self.bids_root, self.leaf.hash(), &self.proof) {
            Ok(())
        } else {
            Err(ProofError::Root)
        }
    }
}

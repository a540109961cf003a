//! What the settler commits to before anybody can see the batch (design C1).

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::{AuctionId, OpenHash, eip712::SigningDomain};

/// The commitment's type string; its hash is the first word of the preimage.
pub const TYPE: &str = "Commitment(uint256 chainId,address settlement,address settler,uint256 lane,uint64 auctionId,uint8 attempt,bytes32 openHash,bytes32 bidsRoot,uint32 bidCount,bytes32 batchHash,bytes32 salt)";

/// Which decision of which auction a batch settles: the batch's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The auction.
    pub auction: AuctionId,
    /// 1 for the auction's own decision, 2 for the runner-up, ...
    pub attempt: u8,
    /// The opening record's hash.
    pub open_hash: OpenHash,
    /// The Merkle root over every bid received.
    pub bids_root: B256,
    /// How many bids that root is over.
    pub bid_count: u32,
}

/// Where and by whom a batch is committed.
#[derive(Clone, Copy, Debug)]
pub struct CommitPlace {
    /// The settler's address: a copied commitment is useless to another.
    pub settler: Address,
    /// The lane.
    pub lane: U256,
}

/// `keccak256(abi.encode(TYPEHASH, chainId, settlement, settler, lane, auctionId, attempt,
/// openHash, bidsRoot, bidCount, keccak256(batch), salt))`.
#[must_use]
pub fn commitment(
    domain: &SigningDomain,
    place: CommitPlace,
    header: &BatchHeader,
    batch: &[u8],
    salt: B256,
) -> B256 {
    let preimage = (
        keccak256(TYPE),
        U256::from(domain.chain_id()),
        domain.settlement(),
        place.settler,
        place.lane,
        header.auction.get(),
        U256::from(header.attempt),
        header.open_hash.get(),
        header.bids_root,
        header.bid_count,
        keccak256(batch),
        salt,
    );
    keccak256(preimage.abi_encode())
}

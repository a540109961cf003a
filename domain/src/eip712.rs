//! EIP-712 typed data: what wallets and solvers sign, and who signed it.
//!
//! Field order and types are those of `settlement/contracts/FORMAT.md`; the golden vectors in
//! `tests/vectors/eip712.json` pin them against viem, ethers and Solidity.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};

/// The structs as Solidity sees them. Kept apart from the domain types, which cannot be wrong.
#[allow(missing_docs, reason = "generated; the fields are documented on the domain types")]
mod typed {
    alloy_sol_types::sol! {
        struct Intent {
            address owner;
            address receiver;
            address sellToken;
            address buyToken;
            uint256 sellAmount;
            uint256 buyAmount;
            uint256 nonce;
            uint32 validTo;
            uint8 kind;
            bool partiallyFillable;
            bytes32 appData;
        }

        struct Bid {
            uint64 auctionId;
            address solver;
            address filler;
            bytes32 legsHash;
            bytes32 callbackHash;
            uint32 gas;
            uint32 callbackGas;
            uint128 penalty;
            uint32 validUntil;
            uint256 nonce;
            bytes32 salt;
            bytes32 clientBidId;
        }

        struct Cancel {
            address owner;
            bytes32[] intents;
        }

        struct Receipt {
            bytes32 openHash;
            bytes32 bid;
            uint64 ms;
            uint64 seq;
        }

        struct Nack {
            bytes32 bid;
            uint64 auctionId;
            string code;
            uint64 ms;
        }

        struct ReadBids {
            address solver;
            uint64 validUntil;
        }
    }
}
pub use typed::{
    Bid as TypedBid, Cancel as TypedCancel, Intent as TypedIntent, Nack as TypedNack,
    ReadBids as TypedReadBids, Receipt as TypedReceipt,
};

/// The domain's name, as wallets show it.
pub const DOMAIN_NAME: &str = "Gavel";
/// The domain's version.
pub const DOMAIN_VERSION: &str = "1";

/// The EIP-712 domain of one deployment: a signature is worth nothing elsewhere.
#[derive(Clone, Debug)]
pub struct SigningDomain {
    chain_id: u64,
    settlement: Address,
    separator: B256,
}

impl SigningDomain {
    /// The domain of the `Settlement` contract at `settlement` on chain `chain_id`.
    #[must_use]
    pub fn new(chain_id: u64, settlement: Address) -> Self {
        let domain: Eip712Domain = eip712_domain! {
            name: DOMAIN_NAME,
            version: DOMAIN_VERSION,
            chain_id: chain_id,
            verifying_contract: settlement,
        };
        Self { chain_id, settlement, separator: domain.separator() }
    }

    /// The chain's id.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The verifying contract.
    #[must_use]
    pub const fn settlement(&self) -> Address {
        self.settlement
    }

    /// `hashStruct(eip712Domain)`.
    #[must_use]
    pub const fn separator(&self) -> B256 {
        self.separator
    }

    /// `keccak256(0x1901 ‖ domainSeparator ‖ hashStruct(message))`, EIP-712's signing hash.
    #[must_use]
    pub fn digest<T: SolStruct>(&self, message: &T) -> B256 {
        let mut preimage = [0u8; 66];
        preimage[0] = 0x19;
        preimage[1] = 0x01;
        preimage[2..34].copy_from_slice(self.separator.as_slice());
        preimage[34..].copy_from_slice(message.eip712_hash_struct().as_slice());
        keccak256(preimage)
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The types that are signed and committed
/// @notice Each is written as the hash of its text, so that the text is what a reader compares.
library Typehashes {
    bytes32 internal constant INTENT = keccak256(
        "Intent(address owner,address receiver,address sellToken,address buyToken,uint256 sellAmount,uint256 buyAmount,uint256 nonce,uint32 validTo,uint8 kind,bool partiallyFillable,bytes32 appData)"
    );

    bytes32 internal constant BID = keccak256(
        "Bid(uint64 auctionId,address solver,address filler,bytes32 legsHash,bytes32 callbackHash,uint32 gas,uint32 callbackGas,uint128 penalty,uint32 validUntil,uint256 nonce,bytes32 salt,bytes32 clientBidId)"
    );

    bytes32 internal constant COMMITMENT = keccak256(
        "Commitment(uint256 chainId,address settlement,address settler,uint256 lane,uint64 auctionId,uint8 attempt,bytes32 openHash,bytes32 bidsRoot,uint32 bidCount,bytes32 batchHash,bytes32 salt)"
    );
}

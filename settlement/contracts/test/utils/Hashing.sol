// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchData, BatchEncoder, BidData, IntentData, LegData} from "./BatchEncoder.sol";

/// @dev Every digest of FORMAT.md, computed the slow and obvious way.
library Hashing {
    bytes internal constant DOMAIN =
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
    bytes internal constant INTENT =
        "Intent(address owner,address receiver,address sellToken,address buyToken,uint256 sellAmount,uint256 buyAmount,uint256 nonce,uint32 validTo,uint8 kind,bool partiallyFillable,bytes32 appData)";
    bytes internal constant BID =
        "Bid(uint64 auctionId,address solver,address filler,bytes32 legsHash,bytes32 callbackHash,uint32 gas,uint32 callbackGas,uint128 penalty,uint32 validUntil,uint256 nonce,bytes32 salt,bytes32 clientBidId)";
    bytes internal constant CANCEL = "Cancel(address owner,bytes32[] intents)";
    bytes internal constant COMMITMENT =
        "Commitment(uint256 chainId,address settlement,address settler,uint256 lane,uint64 auctionId,uint8 attempt,bytes32 openHash,bytes32 bidsRoot,uint32 bidCount,bytes32 batchHash,bytes32 salt)";

    function domain(uint256 chainId, address settlement) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(DOMAIN), keccak256("Gavel"), keccak256("1"), chainId, settlement));
    }

    function typed(bytes32 separator, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("\x19\x01", separator, structHash));
    }

    function intent(bytes32 separator, IntentData memory i) internal pure returns (bytes32) {
        bytes memory amounts = abi.encode(i.sellAmount, i.buyAmount, i.nonce);
        bytes memory terms = abi.encode(i.validTo, i.kind, i.partiallyFillable, i.appData);
        bytes memory parties = abi.encode(keccak256(INTENT), i.owner, i.receiver, i.sellToken, i.buyToken);
        return typed(separator, keccak256(bytes.concat(parties, amounts, terms)));
    }

    function legs(bytes32 separator, BidData memory b) internal pure returns (bytes32) {
        bytes[] memory packed = new bytes[](b.legs.length);
        for (uint256 k = 0; k < b.legs.length; ++k) {
            LegData memory leg = b.legs[k];
            bytes32 from = leg.from == 255 ? bytes32(0) : intent(separator, b.intents[leg.from]);
            bytes32 to = leg.to == 255 ? bytes32(0) : intent(separator, b.intents[leg.to]);
            packed[k] = abi.encodePacked(from, to, leg.amount);
        }
        return keccak256(BatchEncoder.join(packed));
    }

    function bid(bytes32 separator, uint64 auctionId, BidData memory b) internal pure returns (bytes32) {
        return bid(separator, auctionId, b, legs(separator, b), keccak256(b.callback));
    }

    function bid(bytes32 separator, uint64 auctionId, BidData memory b, bytes32 legsHash, bytes32 callbackHash)
        internal
        pure
        returns (bytes32)
    {
        bytes memory parties = abi.encode(keccak256(BID), auctionId, b.solver, b.filler, legsHash, callbackHash);
        bytes memory terms = abi.encode(b.gas, b.callbackGas, b.penalty, b.validUntil);
        bytes memory ids = abi.encode(b.nonce, b.salt, b.clientBidId);
        return typed(separator, keccak256(bytes.concat(parties, terms, ids)));
    }

    function cancel(bytes32 separator, address owner, bytes32[] memory intents) internal pure returns (bytes32) {
        bytes32 list = keccak256(abi.encodePacked(intents));
        return typed(separator, keccak256(abi.encode(keccak256(CANCEL), owner, list)));
    }

    struct Commitment {
        uint256 chainId;
        address settlement;
        address settler;
        uint256 lane;
        uint64 auctionId;
        uint8 attempt;
        bytes32 openHash;
        bytes32 bidsRoot;
        uint32 bidCount;
        bytes32 batchHash;
        bytes32 salt;
    }

    function commitment(Commitment memory c) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(COMMITMENT), c));
    }
}

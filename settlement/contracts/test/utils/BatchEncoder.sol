// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev A signed intent as the batch holds it. `form1` chooses the signature's form; `share` is of its bid's
/// penalty, in basis points.
struct IntentData {
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
    bytes signature;
    bool form1;
    uint16 share;
}

struct LegData {
    uint8 from;
    uint8 to;
    uint256 amount;
}

struct BidData {
    address solver;
    address filler;
    uint32 gas;
    uint32 callbackGas;
    uint128 penalty;
    uint32 validUntil;
    uint256 nonce;
    bytes32 salt;
    bytes32 clientBidId;
    bytes signature;
    address[] tokens;
    IntentData[] intents;
    LegData[] legs;
    bytes callback;
}

struct BatchData {
    uint64 auctionId;
    uint8 attempt;
    bytes32 openHash;
    bytes32 bidsRoot;
    uint32 bidCount;
    BidData[] bids;
}

/// @dev Writes a batch as FORMAT.md has it, from nothing but its text: it shares no code with the
/// reader under test. Encodes wrong things too, if asked, so that the reader can refuse them.
library BatchEncoder {
    function encode(BatchData memory batch) internal pure returns (bytes memory out) {
        out = abi.encodePacked(
            uint8(1),
            batch.auctionId,
            batch.attempt,
            batch.openHash,
            batch.bidsRoot,
            batch.bidCount,
            uint8(batch.bids.length)
        );
        for (uint256 i = 0; i < batch.bids.length; ++i) {
            out = bytes.concat(out, encodeBid(batch.bids[i]));
        }
    }

    function encodeBid(BidData memory bid) internal pure returns (bytes memory out) {
        out = abi.encodePacked(
            bid.solver, bid.filler, bid.gas, bid.callbackGas, bid.penalty, bid.validUntil, encodeUint(bid.nonce)
        );
        out = abi.encodePacked(out, bid.salt, bid.clientBidId, bid.signature, uint8(bid.tokens.length));
        for (uint256 i = 0; i < bid.tokens.length; ++i) {
            out = abi.encodePacked(out, bid.tokens[i]);
        }
        bytes[] memory intents = new bytes[](bid.intents.length);
        for (uint256 i = 0; i < intents.length; ++i) {
            intents[i] = encodeIntent(bid.intents[i], bid.tokens, bid.penalty != 0);
        }
        bytes[] memory legs = new bytes[](bid.legs.length);
        for (uint256 i = 0; i < legs.length; ++i) {
            LegData memory leg = bid.legs[i];
            legs[i] = abi.encodePacked(leg.from, leg.to, encodeUint(leg.amount));
        }
        out = abi.encodePacked(out, uint8(intents.length), join(intents), uint16(legs.length), join(legs));
        out = abi.encodePacked(out, uint24(bid.callback.length), bid.callback);
    }

    function encodeIntent(IntentData memory intent, address[] memory tokens, bool penalised)
        internal
        pure
        returns (bytes memory out)
    {
        uint8 flags = intent.kind | (intent.partiallyFillable ? 2 : 0) | (intent.receiver != address(0) ? 4 : 0)
            | (intent.appData != 0 ? 8 : 0) | (intent.form1 ? 16 : 0);
        out = abi.encodePacked(flags, intent.owner, indexOf(tokens, intent.sellToken), indexOf(tokens, intent.buyToken));
        if (intent.receiver != address(0)) out = abi.encodePacked(out, intent.receiver);
        out = bytes.concat(out, encodeUint(intent.sellAmount), encodeUint(intent.buyAmount), encodeUint(intent.nonce));
        out = abi.encodePacked(out, intent.validTo);
        if (intent.appData != 0) out = abi.encodePacked(out, intent.appData);
        out = bytes.concat(out, encodeSignature(intent, penalised));
    }

    function encodeSignature(IntentData memory intent, bool penalised) internal pure returns (bytes memory out) {
        if (penalised) out = abi.encodePacked(intent.share);
        if (intent.form1) out = abi.encodePacked(out, uint16(intent.signature.length));
        out = bytes.concat(out, intent.signature);
    }

    function encodeUint(uint256 value) internal pure returns (bytes memory out) {
        uint256 width = 0;
        while (width < 32 && value >> (8 * width) != 0) ++width;
        out = new bytes(width + 1);
        out[0] = bytes1(uint8(width));
        for (uint256 i = 0; i < width; ++i) {
            out[1 + i] = bytes1(uint8(value >> (8 * (width - 1 - i))));
        }
    }

    function indexOf(address[] memory tokens, address token) internal pure returns (uint8) {
        for (uint256 i = 0; i < tokens.length; ++i) {
            if (tokens[i] == token) return uint8(i);
        }
        revert("token not listed");
    }

    function join(bytes[] memory parts) internal pure returns (bytes memory out) {
        uint256 length = 0;
        for (uint256 i = 0; i < parts.length; ++i) {
            length += parts[i].length;
        }
        out = new bytes(length);
        uint256 pos = 0;
        for (uint256 i = 0; i < parts.length; ++i) {
            for (uint256 j = 0; j < parts[i].length; ++j) {
                out[pos++] = parts[i][j];
            }
        }
    }

    /// @dev The tokens of some intents, ascending, each once.
    function tokensOf(IntentData[] memory intents) internal pure returns (address[] memory tokens) {
        tokens = new address[](2 * intents.length);
        uint256 count = 0;
        for (uint256 i = 0; i < 2 * intents.length; ++i) {
            address token = i % 2 == 0 ? intents[i / 2].sellToken : intents[i / 2].buyToken;
            uint256 pos = 0;
            while (pos < count && tokens[pos] < token) ++pos;
            if (pos < count && tokens[pos] == token) continue;
            for (uint256 j = count; j > pos; --j) {
                tokens[j] = tokens[j - 1];
            }
            tokens[pos] = token;
            ++count;
        }
        assembly ("memory-safe") {
            mstore(tokens, count)
        }
    }
}

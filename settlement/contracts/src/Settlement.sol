// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {BidFrame} from "./BidFrame.sol";
import {Funding} from "./Funding.sol";
import {Lanes} from "./Lanes.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {ISolverRegistry} from "./interfaces/ISolverRegistry.sol";
import {Bid, BidReader, Reading} from "./libraries/BidReader.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";
import {Cursor} from "./libraries/Cursor.sol";
import {Memory} from "./libraries/Memory.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Typehashes} from "./libraries/Typehashes.sol";

/// @title Settlement
/// @notice The outer frame: reads the batch, and opens a frame for each bid of an authorised solver.
contract Settlement is ISettlement, Lanes, BidFrame, Funding, EIP712 {
    using Cursor for uint256;

    uint256 private constant VERSION = 1;

    uint8 private constant NEUTRAL = 0;
    uint8 private constant SOLVER = 1;
    uint8 private constant OWNER = 2;

    /// @dev Gas that the outer frame needs between its check and the call of a bid's frame.
    uint256 private constant FRAME_RESERVE = 2_000;

    /// @inheritdoc ISettlement
    ISolverRegistry public immutable registry;

    /// @inheritdoc ISettlement
    mapping(address solver => mapping(uint256 word => uint256 bits)) public bidNonces;

    /// @inheritdoc ISettlement
    mapping(address token => bool plain) public isPlainToken;

    constructor(address owner, ISolverRegistry registry_, uint32 maxDelay) Lanes(maxDelay) {
        _initializeOwner(owner);
        registry = registry_;
    }

    /// @inheritdoc ISettlement
    function setPlainToken(address token, bool plain) external onlyOwner {
        isPlainToken[token] = plain;
        emit PlainTokenSet(token, plain);
    }

    /// @inheritdoc ISettlement
    function reveal(uint256 lane, bytes calldata batch, bytes32 salt) external nonReentrant {
        (Bid memory bid, Reading memory reading, uint256 pos, uint256 bids) = _open(batch);
        bytes32 commitment = _commitment(lane, batch, salt);
        _consume(lane, commitment);
        emit Revealed(msg.sender, lane, commitment, uint64(bid.auctionId), uint8(bytes1(batch[9:10])));

        BidResult memory result;
        uint256 memoryEnd = Memory.free();
        for (uint256 i = 0; i < bids; ++i) {
            pos = _settle(pos, bid, reading, result);
            if (result.settled) emit BidSettled(result.bid, bid.solver);
            else emit BidFailed(result.bid, bid.solver, result.fault, result.reason);
            Memory.keep(memoryEnd);
        }
        _close(batch, pos);
    }

    /// @inheritdoc ISettlement
    function simulate(bytes calldata batch) external nonReentrant {
        (Bid memory bid, Reading memory reading, uint256 pos, uint256 bids) = _open(batch);
        BidResult[] memory results = new BidResult[](bids);
        uint256 memoryEnd = Memory.free();
        for (uint256 i = 0; i < bids; ++i) {
            pos = _settle(pos, bid, reading, results[i]);
            Memory.keep(memoryEnd);
        }
        _close(batch, pos);
        revert SimulationResult(results);
    }

    /// @inheritdoc ISettlement
    function domainSeparator() external view returns (bytes32 separator) {
        return _domainSeparator();
    }

    /// @dev Reads the batch's head; `pos` is where its first bid begins.
    function _open(bytes calldata batch)
        private
        view
        returns (Bid memory bid, Reading memory reading, uint256 pos, uint256 bids)
    {
        assembly ("memory-safe") {
            pos := batch.offset
        }
        if (pos.take(1) != VERSION) revert UnsupportedVersion(pos.take(1));
        bid.typehash = Typehashes.BID;
        bid.auctionId = (pos + 1).take(8);
        reading.domain = _domainSeparator();
        bids = (pos + 78).take(1);
        if (bids == 0) revert NotCanonical(pos + 78);
        pos += 79;
    }

    /// @dev The batch must end where its last bid does.
    function _close(bytes calldata batch, uint256 pos) private pure {
        uint256 end;
        assembly ("memory-safe") {
            end := add(batch.offset, batch.length)
        }
        if (pos != end) revert NotCanonical(pos);
    }

    function _commitment(uint256 lane, bytes calldata batch, bytes32 salt) private view returns (bytes32) {
        uint256 pos;
        assembly ("memory-safe") {
            pos := batch.offset
        }
        return keccak256(
            abi.encode(
                Typehashes.COMMITMENT,
                block.chainid,
                address(this),
                msg.sender,
                lane,
                (pos + 1).take(8),
                (pos + 9).take(1),
                (pos + 10).word(),
                (pos + 42).word(),
                (pos + 74).take(4),
                keccak256(batch),
                salt
            )
        );
    }

    /// @dev Reads the bid at `pos` and, if its solver is authorised, settles it in a frame of its own.
    function _settle(uint256 pos, Bid memory bid, Reading memory reading, BidResult memory result)
        private
        returns (uint256 next)
    {
        uint256 gasBefore = gasleft();
        next = BidReader.read(pos, bid, reading, isPlainToken);
        result.bid = Memory.typedDigest(reading.domain, _structHash(bid));

        bytes4 reason = _authorise(result.bid, bid, reading);
        (result.settled, result.fault) = (false, NEUTRAL);
        if (reason == 0) {
            Memory.set(reading.start + 4, result.bid);
            uint256 available = BoundedCall.available(FRAME_RESERVE);
            if (available < bid.gas) revert InsufficientGas(bid.gas, available);
            (result.settled, reason) = BoundedCall.frame(bid.gas, reading.start, reading.end);
            if (!result.settled) {
                if (reason == 0) reason = BidOutOfGas.selector;
                result.fault = _fault(reason);
                // C8: here a bid that failed by its solver's fault pays its penalty to the owners.
            }
        }
        result.reason = reason;
        result.gasUsed = gasBefore - gasleft();
        // C9: here the solver's deposit repays `gasUsed`, whatever the outcome.
    }

    function _structHash(Bid memory bid) private pure returns (bytes32 structHash) {
        assembly ("memory-safe") {
            structHash := keccak256(bid, 0x1a0)
        }
    }

    /// @dev Zero if the bid may open its frame, and then its nonce is used: attempted once is all.
    function _authorise(bytes32 digest, Bid memory bid, Reading memory reading) private returns (bytes4 reason) {
        if (block.timestamp > bid.validUntil) return BidExpired.selector;
        address filler = bid.filler;
        if (reading.fillerIsToken || filler == address(this) || filler == address(registry)) {
            return ForbiddenFiller.selector;
        }
        address key = Signatures.recover(digest, reading.r, reading.vs);
        reason = registry.authorise(key, bid.solver, filler);
        if (reason != 0) return reason;

        mapping(uint256 => uint256) storage bitmap = bidNonces[bid.solver];
        uint256 bits = bitmap[bid.nonce >> 8];
        uint256 bit = 1 << (bid.nonce & 0xff);
        if (bits & bit != 0) return BidNonceUsed.selector;
        bitmap[bid.nonce >> 8] = bits | bit;
    }

    function _fault(bytes4 reason) private pure returns (uint8) {
        if (reason == FillerShort.selector || reason == CallbackFailed.selector) return SOLVER;
        if (reason == OwnerShort.selector) return OWNER;
        return NEUTRAL;
    }

    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("Gavel", "1");
    }
}

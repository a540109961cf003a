// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {BidFrame} from "./BidFrame.sol";
import {Bonds} from "./Bonds.sol";
import {Funding} from "./Funding.sol";
import {Lanes} from "./Lanes.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {Bid, BidReader, Reading} from "./libraries/BidReader.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";
import {Cursor} from "./libraries/Cursor.sol";
import {GasSchedule} from "./libraries/GasSchedule.sol";
import {Memory} from "./libraries/Memory.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Typehashes} from "./libraries/Typehashes.sol";

/// @title Settlement
/// @notice The outer frame: reads the batch, and opens a frame for each bid of an authorised solver.
contract Settlement is ISettlement, Lanes, BidFrame, Funding, Bonds, EIP712 {
    using Cursor for uint256;
    using Memory for uint256;

    uint256 private constant VERSION = 1;

    uint8 private constant NEUTRAL = 0;
    // A fault; what an account is has the same name in another file, private as this one.
    // slither-disable-next-line shadowing-state
    uint8 private constant SOLVER = 1;
    uint8 private constant OWNER = 2;

    /// @dev Gas that the outer frame needs between its check and the call of a bid's frame.
    uint256 private constant FRAME_RESERVE = 2_000;

    /// @inheritdoc ISettlement
    mapping(address solver => mapping(uint256 word => uint256 bits)) public bidNonces;

    constructor(address owner, uint32 maxDelay, uint32 withdrawalDelay, uint64 maxTip)
        Lanes(maxDelay)
        Bonds(withdrawalDelay, maxTip)
    {
        _initializeOwner(owner);
    }

    /// @inheritdoc ISettlement
    function reveal(bytes calldata batch, bytes32 salt, uint256 lane) external nonReentrant {
        _redeem(lane, batch, salt);
        _settleAll(batch, false);
    }

    /// @inheritdoc ISettlement
    function simulate(bytes calldata batch) external nonReentrant {
        revert SimulationResult(_settleAll(batch, true));
    }

    /// @inheritdoc ISettlement
    function domainSeparator() external view returns (bytes32 separator) {
        return _domainSeparator();
    }

    /// @dev Settles the bids of a batch one after another. Results are kept if it is `simulated`.
    function _settleAll(bytes calldata batch, bool simulated) private returns (BidResult[] memory results) {
        (Bid memory bid, Reading memory reading, uint256 pos, uint256 bids) = _open(batch);
        results = new BidResult[](simulated ? bids : 1);
        uint256 memoryEnd = Memory.free();
        for (uint256 i = 0; i < bids; ++i) {
            pos = _settle(pos, bid, reading, results[simulated ? i : 0]);
            Memory.keep(memoryEnd);
        }
        _close(batch, pos);
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
        bids = (pos + 78).take(1);
        if (bids == 0) revert NotCanonical(pos + 78);
        reading.domain = _domainSeparator();
        reading.price = _gasPrice();
        reading.saving = GasSchedule.BATCH - GasSchedule.BATCH / bids;
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

    /// @dev Uses up the commitment to these bytes.
    function _redeem(uint256 lane, bytes calldata batch, bytes32 salt) private {
        uint256 pos;
        assembly ("memory-safe") {
            pos := batch.offset
        }
        bytes32 commitment = keccak256(
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
        _consume(lane, commitment);
        emit Revealed(commitment, uint64((pos + 1).take(8)), uint8((pos + 9).take(1)));
    }

    /// @dev Reads the bid at `pos` and, if its solver is authorised, settles it in a frame of its own, for
    /// which its solver pays whatever the outcome.
    function _settle(uint256 pos, Bid memory bid, Reading memory reading, BidResult memory result)
        private
        returns (uint256 next)
    {
        next = BidReader.read(pos, bid, reading, isPlainToken);
        bytes32 id = Memory.typedDigest(reading.domain, _structHash(bid));
        bytes32 reason = _authorise(id, bid, reading);
        (result.bid, result.settled, result.fault, result.gasUsed) = (id, false, NEUTRAL, 0);
        if (reason == 0) {
            (reading.start + 4).set(id);
            (result.settled, reason, result.gasUsed) = _frame(bid.gas - reading.overhead, reading);
            result.gasUsed += reading.overhead - reading.saving;
        } else if (_left(bytes4(reason))) {
            result.gasUsed = reading.overhead - reading.saving;
        }
        result.reason = reason;
        uint256 charge = result.gasUsed * reading.price;
        if (result.settled) {
            _charge(bid.solver, charge);
            (uint256 start, uint256 length) = BidReader.settled(reading, charge);
            start.log(length, BidSettled.selector, id, bid.solver);
        } else {
            _fail(bid, reading, result);
        }
    }

    /// @dev Runs a bid's frame with all of the gas that its solver signed for it. `billed` is what it used,
    /// without what depends on bytes that the solver has not signed.
    function _frame(uint256 gas_, Reading memory reading)
        private
        returns (bool settled, bytes32 reason, uint256 billed)
    {
        uint256 available = BoundedCall.available(FRAME_RESERVE);
        if (available < gas_) revert InsufficientGas(gas_, available);
        uint256 gasBefore = gasleft();
        (settled, reason) = BoundedCall.frame(gas_, reading.start, reading.end);
        billed = gasBefore - gasleft();
        if (billed > gas_) billed = gas_;
        uint256 unbilled = GasSchedule.longSignatures(reading.longCount, reading.longBytes);
        billed = billed > unbilled ? billed - unbilled : 0;
        if (!settled && reason == 0) reason = BidOutOfGas.selector;
    }

    /// @dev Charges a bid that failed, and takes its penalty if that was its solver's fault.
    function _fail(Bid memory bid, Reading memory reading, BidResult memory result) private {
        if (result.gasUsed != 0) {
            bytes4 reason = bytes4(result.reason);
            // Sums that do not fit say nothing.
            if (reason != LegMismatch.selector) BidReader.demandTouched(reading);
            result.fault = _fault(reason);
            if (result.fault == SOLVER && bid.penalty != 0) {
                // Of a bid that its solver has left no intent was checked, so none of its owners gets a share.
                (address[] memory owners, uint256[] memory shares) =
                    _left(reason) ? (new address[](0), new uint256[](0)) : BidReader.owners(reading);
                if (_penalise(result.bid, bid.solver, bid.penalty, owners, shares)) {
                    uint256 gasUsed = result.gasUsed + GasSchedule.penalty(owners.length);
                    result.gasUsed = gasUsed < bid.gas ? gasUsed : bid.gas;
                }
            }
            _charge(bid.solver, result.gasUsed * reading.price);
        }
        emit BidFailed(result.bid, bid.solver, result.fault, result.reason, result.gasUsed * reading.price);
    }

    function _structHash(Bid memory bid) private pure returns (bytes32 structHash) {
        assembly ("memory-safe") {
            structHash := keccak256(bid, 0x1a0)
        }
    }

    /// @dev Zero if the bid may open its frame. Then its nonce is used, and so if its solver has left it: attempted,
    /// charged and penalised once is all. Any other bid costs its solver nothing.
    function _authorise(bytes32 digest, Bid memory bid, Reading memory reading) private returns (bytes4 reason) {
        // Deadlines are in seconds, of which a block's author can shift a few.
        // slither-disable-next-line timestamp
        if (block.timestamp > bid.validUntil) return BidExpired.selector;
        address solver = bid.solver;
        address filler = bid.filler;
        if (reading.fillerIsToken || filler == address(this)) return ForbiddenFiller.selector;
        Account memory account = _accounts[solver];
        reason = _authorise(account, Signatures.recover(digest, reading.r, reading.vs), solver, filler);
        if (reason != 0 && !_left(reason)) return reason;

        mapping(uint256 => uint256) storage bitmap = bidNonces[solver];
        uint256 bits = bitmap[bid.nonce >> 8];
        uint256 bit = 1 << (bid.nonce & 0xff);
        if (bits & bit != 0) return BidNonceUsed.selector;
        if (bits == 0) reading.overhead += GasSchedule.NONCE_WORD;
        if (bid.gas < reading.overhead) return GasTooLow.selector;
        if (account.gas < bid.gas * reading.price) return DepositShort.selector;
        bitmap[bid.nonce >> 8] = bits | bit;
    }

    /// @dev Whether the solver has taken back what its signed bid needs.
    function _left(bytes4 reason) private pure returns (bool) {
        return reason == FillerNotBound.selector || reason == KeyRemoved.selector;
    }

    function _fault(bytes4 reason) private pure returns (uint8) {
        if (reason == FillerShort.selector || reason == CallbackFailed.selector || _left(reason)) return SOLVER;
        if (reason == OwnerShort.selector) return OWNER;
        return NEUTRAL;
    }

    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("Gavel", "1");
    }
}

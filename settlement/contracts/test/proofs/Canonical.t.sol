// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {BatchData, BatchEncoder, BidData, IntentData, LegData} from "../utils/BatchEncoder.sol";
import {Hashing} from "../utils/Hashing.sol";
import {SettlementTest} from "../utils/SettlementTest.sol";

/// @dev Only the canonical bytes are accepted. Anything else fails the entire batch even if its settler has
/// committed to it: nothing moves, and the commitment expires.
contract CanonicalTest is SettlementTest {
    function test_AGoodBatchIsRead() public {
        assertEq(_simulate(_encode(_full())), ISettlement.SimulationResult.selector, "read to its end");
    }

    function test_OnlyVersionOneIsRead() public {
        bytes memory batch = _encode(_full());
        batch[0] = 0x02;
        assertEq(_simulate(batch), ISettlement.UnsupportedVersion.selector, "version 2");
    }

    function test_ABatchHasABid() public {
        _refuse(BatchEncoder.encode(_batch(new BidData[](0))));
    }

    function testFuzz_ATruncatedBatchIsRefused(uint256 length) public {
        bytes memory batch = _encode(_full());
        length = bound(length, 1, batch.length - 1);
        assembly ("memory-safe") {
            mstore(batch, length)
        }
        _refuse(batch);
    }

    function test_NothingFollowsTheLastByte() public {
        _refuse(bytes.concat(_encode(_full()), hex"00"));
        BatchData memory batch = _batch(_list(_full(), _matchedBid(2, 20, 1)));
        bytes memory encoded = BatchEncoder.encode(batch);
        encoded[78] = 0x01;
        _refuse(encoded);
        encoded[78] = 0x03;
        _refuse(encoded);
    }

    function testFuzz_AUintHasOnlyOneForm(uint8 which, uint8 zeros) public {
        BidData memory bid = _full();
        bytes memory batch = _encode(bid);
        bytes[5] memory uints = [
            BatchEncoder.encodeUint(bid.nonce),
            BatchEncoder.encodeUint(bid.intents[0].sellAmount),
            BatchEncoder.encodeUint(bid.intents[0].buyAmount),
            BatchEncoder.encodeUint(bid.intents[0].nonce),
            BatchEncoder.encodeUint(bid.legs[0].amount)
        ];
        bytes memory plain = uints[which % 5];
        uint256 pad = bound(zeros, 1, 33 - plain.length);
        bytes memory padded = bytes.concat(bytes1(uint8(plain.length - 1 + pad)), new bytes(pad));
        padded = bytes.concat(padded, _slice(plain, 1, plain.length));
        _refuse(_replaceFirst(batch, plain, padded));
    }

    function test_AUintHasNoMoreThan32Bytes() public {
        BidData memory bid = _full();
        bytes memory plain = BatchEncoder.encodeUint(bid.intents[0].nonce);
        bytes memory wide = bytes.concat(bytes1(uint8(33)), hex"01", new bytes(32));
        _refuse(_replaceFirst(_encode(bid), plain, wide));
        wide = bytes.concat(bytes1(uint8(255)), hex"01", new bytes(254));
        _refuse(_replaceFirst(_encode(bid), plain, wide));
    }

    function testFuzz_EveryUintIsRead(uint256 value) public {
        value >>= value % 256;
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.nonce = value;
        bid.intents[0].nonce = ~value;
        _resign(bid, 0);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertTrue(_used(_user(0), ~value), "the intent's nonce");
        assertEq(settlement.bidNonces(solver, value >> 8), 1 << (value & 0xff), "the bid's nonce");
    }

    function test_TokensAscend() public {
        BidData memory bid = _full();
        (bid.tokens[0], bid.tokens[1]) = (bid.tokens[1], bid.tokens[0]);
        _refuse(_encode(bid));
        bid = _inventoryBid(1, 0, 1);
        address[] memory tokens = new address[](3);
        (tokens[0], tokens[1], tokens[2]) = (bid.tokens[0], bid.tokens[1], bid.tokens[1]);
        bid.tokens = tokens;
        _refuse(_encode(bid));
    }

    function test_ATokenIndexIsOneOfTheBidsTokens() public {
        BidData memory bid = _full();
        bytes memory batch = _encode(bid);
        bytes memory owner = abi.encodePacked(bid.intents[0].owner);
        _refuse(_replaceFirst(batch, bytes.concat(owner, _at(batch, owner, 20, 2)), bytes.concat(owner, hex"0002")));
        _refuse(_replaceFirst(batch, bytes.concat(owner, _at(batch, owner, 20, 2)), bytes.concat(owner, hex"0200")));
    }

    function test_ABidHasAnIntentAndALeg() public {
        BidData memory bid = _full();
        bid.legs = new LegData[](0);
        _refuse(_encode(bid));
        bid = _full();
        bid.intents = new IntentData[](0);
        bid.legs = new LegData[](1);
        _refuse(_encode(bid));
    }

    function test_ABidHasNoMoreThan254Intents() public {
        BidData memory bid = _full();
        IntentData memory intent = bid.intents[0];
        bid.intents = new IntentData[](255);
        for (uint256 i = 0; i < 255; ++i) {
            bid.intents[i] = intent;
        }
        _refuse(_encode(bid));
    }

    function test_ALegsEndsAreIntentsOrOneFiller() public {
        uint8[2][4] memory ends = [[uint8(2), 0], [uint8(0), 2], [uint8(255), 255], [uint8(254), 255]];
        for (uint256 i = 0; i < 4; ++i) {
            BidData memory bid = _full();
            (bid.legs[0].from, bid.legs[0].to) = (ends[i][0], ends[i][1]);
            _refuse(_encode(bid));
        }
    }

    function test_UnusedFlagBitsAreZero() public {
        for (uint256 bit = 5; bit < 8; ++bit) {
            BidData memory bid = _full();
            bytes memory flagged = BatchEncoder.encodeIntent(bid.intents[1], bid.tokens, false);
            bytes memory plain = bytes.concat(flagged);
            flagged[0] |= bytes1(uint8(1 << bit));
            _refuse(_replaceFirst(_encode(bid), plain, flagged));
        }
    }

    function test_AnOptionalFieldThatIsZeroIsLeftOut() public {
        BidData memory bid = _full();
        bytes memory batch = _encode(bid);
        _refuse(_replaceFirst(batch, abi.encodePacked(bid.intents[0].receiver), new bytes(20)));
        _refuse(_replaceFirst(batch, abi.encodePacked(bid.intents[0].appData), new bytes(32)));
    }

    function test_ABatchOf254IntentsIsRead() public {
        BidData memory bid = _matchedBid(1, 1_000, 127);
        bid.gas = 20_000_000;
        _signBid(bid, SOLVER_KEY);
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_AllSharesOfAPenaltyAreNoMoreThanTheWhole() public {
        BidData memory bid = _full();
        (bid.penalty, bid.intents[0].share, bid.intents[1].share) = (1, 10_000, 1);
        _signBid(bid, SOLVER_KEY);
        _refuse(_encode(bid));
        bid.intents[1].share = 0;
        assertEq(_simulate(_encode(bid)), ISettlement.SimulationResult.selector, "the whole");
        bid.intents[0].share = 10_001;
        _refuse(_encode(bid));
    }

    function test_ABidWithoutPenaltyHasNoShares() public {
        BidData memory bid = _full();
        bid.penalty = 1;
        _signBid(bid, SOLVER_KEY);
        bytes memory batch = _encode(bid);
        bytes memory penalty = abi.encodePacked(bid.gas, bid.callbackGas, bid.penalty);
        _refuse(_replaceFirst(batch, penalty, abi.encodePacked(bid.gas, bid.callbackGas, uint128(0))));
    }

    /// @dev A bid with every optional field.
    function _full() private returns (BidData memory bid) {
        bid = _matchedBid(3, 0, 1);
        bid.intents[0].receiver = address(0xbeefbeefbeef);
        bid.intents[0].appData = keccak256("app");
        bid.intents[0].sellAmount = SELL + 1;
        bid.callback = "callback";
        _resign(bid, 0);
    }

    function _simulate(bytes memory batch) private returns (bytes32 answer) {
        (, bytes memory data) = address(settlement).call(abi.encodeCall(settlement.simulate, (batch)));
        return bytes4(data);
    }

    function _refuse(bytes memory batch) private {
        assertEq(_simulate(batch), ISettlement.NotCanonical.selector, "refused by a simulation");
        uint256 before = vm.snapshotState();
        bytes32 commitment = _committedAsRead(batch);
        vm.prank(settler);
        settlement.commitTo(LANE, commitment);
        bytes32 slot = settlement.lanes(settler, LANE);
        _skip(1);
        vm.prank(settler);
        (bool ok, bytes memory answer) =
            address(settlement).call(abi.encodeCall(settlement.reveal, (batch, SALT, LANE)));
        assertTrue(!ok && bytes4(answer) == ISettlement.NotCanonical.selector, "refused by the reveal");
        assertEq(settlement.lanes(settler, LANE), slot, "the commitment is not used up");
        vm.revertToState(before);
    }

    /// @dev The commitment to any bytes: past their end the head reads as zeros.
    function _committedAsRead(bytes memory batch) private view returns (bytes32) {
        bytes memory head = _slice(bytes.concat(batch, new bytes(79)), 0, 79);
        return Hashing.commitment(
            Hashing.Commitment({
                chainId: block.chainid,
                settlement: address(settlement),
                settler: settler,
                lane: LANE,
                auctionId: uint64(bytes8(_slice(head, 1, 9))),
                attempt: uint8(head[9]),
                openHash: bytes32(_slice(head, 10, 42)),
                bidsRoot: bytes32(_slice(head, 42, 74)),
                bidCount: uint32(bytes4(_slice(head, 74, 78))),
                batchHash: keccak256(batch),
                salt: SALT
            })
        );
    }

    function _replaceFirst(bytes memory text, bytes memory what, bytes memory by) private pure returns (bytes memory) {
        uint256 pos = _find(text, what);
        return bytes.concat(_slice(text, 0, pos), by, _slice(text, pos + what.length, text.length));
    }

    /// @dev The `length` bytes that begin `skip` bytes after the first `what`.
    function _at(bytes memory text, bytes memory what, uint256 skip, uint256 length)
        private
        pure
        returns (bytes memory)
    {
        uint256 pos = _find(text, what) + skip;
        return _slice(text, pos, pos + length);
    }

    function _find(bytes memory text, bytes memory what) private pure returns (uint256 pos) {
        bytes32 hash = keccak256(what);
        // The batch's head is left out: its hashes are none of the bid's business.
        for (pos = 79; pos + what.length <= text.length; ++pos) {
            bytes32 candidate;
            assembly ("memory-safe") {
                candidate := keccak256(add(add(text, 0x20), pos), mload(what))
            }
            if (candidate == hash) return pos;
        }
        revert("not found");
    }

    function _slice(bytes memory text, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) {
            part[i - from] = text[i];
        }
    }
}

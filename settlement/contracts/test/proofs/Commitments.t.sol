// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Settlement} from "../../src/Settlement.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {BatchData, BatchEncoder} from "../utils/BatchEncoder.sol";
import {SettlementTest} from "../utils/SettlementTest.sol";

/// @dev A commitment is good for one batch, one settler, one lane, one chain, one contract, one salt, once,
/// and in time.
contract CommitmentsTest is SettlementTest {
    bytes internal batch;
    bytes32 internal commitment;

    function setUp() public override {
        super.setUp();
        vm.prank(admin);
        settlement.openLane(settler, LANE + 1);
        batch = _encode(_matchedBid(1, 0, 1));
        commitment = _commitment(batch, settler, LANE, SALT);
    }

    function test_ACommittedBatchIsRevealedInTheNextBlock() public {
        vm.expectEmit(address(settlement));
        emit ISettlement.Committed(commitment);
        _commit(batch);
        uint256 block_ = vm.getBlockNumber();
        assertEq(settlement.lanes(settler, LANE), _prefix(commitment) | bytes32(block_), "the slot");
        _skip(1);
        vm.expectEmit(address(settlement));
        emit ISettlement.Revealed(commitment, 42, 1);
        _reveal(batch);
        assertEq(settlement.lanes(settler, LANE), _prefix(commitment), "the slot after");
        assertEq(tokenB.balanceOf(_user(0)), 1_000e18 + SELL, "the batch is settled");
    }

    function testFuzz_ACommitmentIsLiveForMaxDelayBlocks(uint256 delay) public {
        delay = bound(delay, 0, 3 * MAX_DELAY);
        _commit(batch);
        uint256 committedAt = vm.getBlockNumber();
        _skip(delay);
        if (delay == 0) {
            vm.expectRevert(abi.encodeWithSelector(ISettlement.RevealTooEarly.selector, committedAt));
        } else if (delay > MAX_DELAY) {
            vm.expectRevert(abi.encodeWithSelector(ISettlement.RevealTooLate.selector, committedAt));
        }
        _reveal(batch);
    }

    function test_ACommitmentCannotBeRevealedTwice() public {
        _settle(batch);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingCommitted.selector, settler, LANE));
        _reveal(batch);
    }

    function test_NothingIsRevealedWithoutACommitment() public {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingCommitted.selector, settler, LANE));
        _reveal(batch);
    }

    /// @dev Whoever sees the commitment in the mempool and is first with it has gained nothing, not even
    /// time, and has taken nothing away. Without a lane it cannot even be first.
    function test_ACopiedCommitmentIsWorthNothing() public {
        address griefer = address(0x07e5);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LaneNotOpen.selector, griefer, LANE));
        vm.prank(griefer);
        settlement.commitTo(LANE, commitment);
        vm.prank(admin);
        settlement.openLane(griefer, LANE);
        vm.prank(griefer);
        settlement.commitTo(LANE, commitment);
        _commit(batch);
        _skip(1);
        bytes32 its = _commitment(batch, griefer, LANE, SALT);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, _prefix(commitment), its));
        vm.prank(griefer);
        settlement.reveal(batch, SALT, LANE);
        _reveal(batch);
        assertEq(tokenB.balanceOf(_user(0)), 1_000e18 + SELL, "the settler's own is revealed all the same");
    }

    function test_ACommitmentCannotBeRevealedInAnotherLane() public {
        vm.prank(settler);
        settlement.commitTo(LANE + 1, commitment);
        _skip(1);
        bytes32 there = _commitment(batch, settler, LANE + 1, SALT);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, _prefix(commitment), there));
        vm.prank(settler);
        settlement.reveal(batch, SALT, LANE + 1);
    }

    function test_ACommitmentCannotBeRevealedOnAnotherChain() public {
        _commit(batch);
        _skip(1);
        vm.chainId(1);
        bytes32 there = _commitment(batch, settler, LANE, SALT);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, _prefix(commitment), there));
        _reveal(batch);
    }

    function test_ACommitmentCannotBeRevealedInAnotherContract() public {
        Settlement other = _deploySettlement(admin, MAX_DELAY, WITHDRAWAL_DELAY, MAX_TIP);
        vm.prank(admin);
        other.openLane(settler, LANE);
        vm.prank(settler);
        other.commitTo(LANE, commitment);
        _skip(1);
        vm.expectRevert();
        vm.prank(settler);
        other.reveal(batch, SALT, LANE);
    }

    function test_ACommitmentCannotBeRevealedWithAnotherSalt() public {
        _commit(batch);
        _skip(1);
        bytes32 other = _commitment(batch, settler, LANE, keccak256("other"));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, _prefix(commitment), other));
        vm.prank(settler);
        settlement.reveal(batch, keccak256("other"), LANE);
    }

    /// @dev Each byte in turn, in its lowest bit and in all of them. A flipped version or number of bids is
    /// noticed even before the hash.
    function test_ABatchAlteredInAnyByteCannotBeRevealed() public {
        _commit(batch);
        _skip(1);
        for (uint256 i = 0; i < batch.length; ++i) {
            _refuse(_flipped(i, 0x01));
            _refuse(_flipped(i, 0xff));
        }
        _reveal(batch);
        assertEq(tokenB.balanceOf(_user(0)), 1_000e18 + SELL, "the true one still can");
    }

    function test_ABatchOfAnotherLengthCannotBeRevealed() public {
        _commit(batch);
        _skip(1);
        _refuse(bytes.concat(batch, hex"00"));
        bytes memory shorter = batch;
        assembly ("memory-safe") {
            mstore(shorter, sub(mload(shorter), 1))
        }
        _refuse(shorter);
    }

    function test_TheBidsOfACommittedBatchCannotBeReordered() public {
        BatchData memory two = _batch(_list(_matchedBid(1, 0, 1), _matchedBid(2, 2, 1)));
        _commit(BatchEncoder.encode(two));
        _skip(1);
        (two.bids[0], two.bids[1]) = (two.bids[1], two.bids[0]);
        vm.expectRevert();
        _reveal(BatchEncoder.encode(two));
    }

    function _flipped(uint256 pos, uint8 mask) private view returns (bytes memory altered) {
        altered = batch;
        altered[pos] = bytes1(uint8(altered[pos]) ^ mask);
    }

    /// @dev The reveal of other bytes than those committed fails, and says why.
    function _refuse(bytes memory other) private {
        vm.prank(settler);
        (bool ok, bytes memory answer) =
            address(settlement).call(abi.encodeCall(settlement.reveal, (other, SALT, LANE)));
        bytes4 reason = bytes4(answer);
        bool headIsBad =
            reason == ISettlement.UnsupportedVersion.selector || reason == ISettlement.NotCanonical.selector;
        bool headWasChanged = other[0] != batch[0] || other[78] != batch[78];
        assertTrue(!ok, "refused");
        assertTrue(headIsBad ? headWasChanged : reason == ISettlement.CommitmentMismatch.selector, "and says why");
    }

    function _prefix(bytes32 value) private pure returns (bytes32) {
        return value >> 32 << 32;
    }
}

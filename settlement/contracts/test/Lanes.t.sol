// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {Settlement} from "../src/Settlement.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {BatchData, BatchEncoder} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

contract LanesTest is SettlementTest {
    bytes internal batch;
    bytes32 internal commitment;

    function setUp() public override {
        super.setUp();
        batch = _encode(_matchedBid(1, 0, 1));
        commitment = _commitment(batch, settler, LANE, SALT);
    }

    function test_ACommittedBatchIsRevealedInTheNextBlock() public {
        vm.expectEmit(address(settlement));
        emit ISettlement.Committed(settler, LANE, commitment);
        _commit(batch);
        uint256 block_ = vm.getBlockNumber();
        assertEq(settlement.lanes(settler, LANE), _prefix(commitment) | bytes32(block_), "the slot");
        _skip(1);
        vm.expectEmit(address(settlement));
        emit ISettlement.Revealed(settler, LANE, commitment, 42, 1);
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

    function test_ACommitmentCopiedByAnotherSettlerCannotBeRevealed() public {
        address other = address(0x07e5);
        vm.prank(admin);
        settlement.openLane(other, LANE);
        vm.prank(other);
        settlement.commit(LANE, commitment);
        _skip(1);
        bytes32 others = _commitment(batch, other, LANE, SALT);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, _prefix(commitment), others));
        vm.prank(other);
        settlement.reveal(LANE, batch, SALT);
    }

    function test_ACommitmentCannotBeRevealedInAnotherLane() public {
        vm.prank(admin);
        settlement.openLane(settler, LANE + 1);
        vm.prank(settler);
        settlement.commit(LANE + 1, commitment);
        _skip(1);
        bytes32 there = _commitment(batch, settler, LANE + 1, SALT);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, _prefix(commitment), there));
        vm.prank(settler);
        settlement.reveal(LANE + 1, batch, SALT);
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
        other.commit(LANE, commitment);
        _skip(1);
        vm.expectRevert();
        vm.prank(settler);
        other.reveal(LANE, batch, SALT);
    }

    function test_ACommitmentCannotBeRevealedWithAnotherSalt() public {
        _commit(batch);
        _skip(1);
        bytes32 other = _commitment(batch, settler, LANE, keccak256("other"));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, _prefix(commitment), other));
        vm.prank(settler);
        settlement.reveal(LANE, batch, keccak256("other"));
    }

    function testFuzz_ABatchAlteredInOneByteCannotBeRevealed(uint256 pos, uint8 change) public {
        _commit(batch);
        _skip(1);
        bytes memory altered = batch;
        pos = bound(pos, 0, batch.length - 1);
        change = uint8(bound(change, 1, 255));
        altered[pos] = bytes1(uint8(altered[pos]) ^ change);
        vm.expectRevert();
        _reveal(altered);
    }

    function test_TheBidsOfACommittedBatchCannotBeReordered() public {
        BatchData memory two = _batch(_list(_matchedBid(1, 0, 1), _matchedBid(2, 2, 1)));
        _commit(BatchEncoder.encode(two));
        _skip(1);
        (two.bids[0], two.bids[1]) = (two.bids[1], two.bids[0]);
        vm.expectRevert();
        _reveal(BatchEncoder.encode(two));
    }

    function test_ALiveCommitmentIsNotReplacedNotEvenByItself() public {
        _commit(batch);
        uint256 committedAt = vm.getBlockNumber();
        _skip(MAX_DELAY);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentLive.selector, settler, LANE, committedAt));
        vm.prank(settler);
        settlement.commit(LANE, commitment);
    }

    function test_AnExpiredCommitmentIsReplacedAndRecorded() public {
        _commit(batch);
        _skip(MAX_DELAY + 1);
        vm.expectEmit(address(settlement));
        emit ISettlement.CommitmentExpired(settler, LANE, _prefix(commitment));
        _commit(batch);
        _skip(1);
        _reveal(batch);
    }

    function test_OnlyASettlerWithAnOpenLaneCommits() public {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LaneNotOpen.selector, address(this), LANE));
        settlement.commit(LANE, commitment);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LaneNotOpen.selector, settler, LANE + 1));
        vm.prank(settler);
        settlement.commit(LANE + 1, commitment);
    }

    function test_AnybodyRecordsThatACommitmentExpired() public {
        _commit(batch);
        _skip(MAX_DELAY + 1);
        vm.expectEmit(address(settlement));
        emit ISettlement.CommitmentExpired(settler, LANE, _prefix(commitment));
        settlement.expire(settler, LANE);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingCommitted.selector, settler, LANE));
        settlement.expire(settler, LANE);
    }

    function test_ALiveCommitmentDoesNotExpire() public {
        _commit(batch);
        uint256 committedAt = vm.getBlockNumber();
        _skip(MAX_DELAY);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentLive.selector, settler, LANE, committedAt));
        settlement.expire(settler, LANE);
        _reveal(batch);
    }

    function test_OnlyTheOwnerOpensAndClosesLanes() public {
        vm.expectRevert(Ownable.Unauthorized.selector);
        settlement.openLane(settler, 1);
        vm.expectRevert(Ownable.Unauthorized.selector);
        settlement.closeLane(settler, LANE);
    }

    function test_AnOpenLaneIsNotOpenedAgain() public {
        _commit(batch);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LaneAlreadyOpen.selector, settler, LANE));
        vm.prank(admin);
        settlement.openLane(settler, LANE);
    }

    function test_AClosedLaneTakesItsCommitmentAlong() public {
        _commit(batch);
        _skip(1);
        vm.expectEmit(address(settlement));
        emit ISettlement.LaneClosed(settler, LANE);
        vm.prank(admin);
        settlement.closeLane(settler, LANE);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingCommitted.selector, settler, LANE));
        _reveal(batch);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LaneNotOpen.selector, settler, LANE));
        vm.prank(admin);
        settlement.closeLane(settler, LANE);
    }

    function test_ASettlerHasSeveralLanesAtOnce() public {
        vm.prank(admin);
        settlement.openLane(settler, LANE + 1);
        bytes memory second = _encode(_matchedBid(2, 2, 1));
        _commit(batch);
        bytes32 other = _commitment(second, settler, LANE + 1, SALT);
        vm.prank(settler);
        settlement.commit(LANE + 1, other);
        _skip(1);
        vm.prank(settler);
        settlement.reveal(LANE + 1, second, SALT);
        _reveal(batch);
    }

    function test_TheDelayCannotBeZero() public {
        vm.expectRevert(ISettlement.ZeroDelay.selector);
        _deploySettlement(admin, 0, WITHDRAWAL_DELAY, MAX_TIP);
    }

    function _prefix(bytes32 value) private pure returns (bytes32) {
        return value >> 32 << 32;
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {BidData} from "../utils/BatchEncoder.sol";
import {SettlementTest} from "../utils/SettlementTest.sol";

/// @dev What a reorg takes back, and that nothing settles twice after it. Going back to a snapshot is
/// the reorg.
contract ReorgsTest is SettlementTest {
    uint8 internal constant NEUTRAL = 0;
    bytes32 internal constant NEW_SALT = keccak256("a new salt");

    bytes internal batch;
    bytes32 internal commitment;
    uint256 internal fork;

    function setUp() public override {
        super.setUp();
        vm.prank(admin);
        settlement.openLane(settler, LANE + 1);
        batch = _encode(_matchedBid(1, 0, 1));
        commitment = _commitment(batch, settler, LANE, SALT);
        fork = vm.snapshotState();
    }

    function test_TheRevealOfALostCommitFails() public {
        _commit(batch);
        vm.revertToState(fork);
        _skip(2);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingCommitted.selector, settler, LANE));
        _reveal(batch);
        assertEq(settlement.bidNonces(solver, 0), 0, "no bid was attempted");
    }

    function test_ALostCommitIsMadeAgainInAnotherLaneWithANewSalt() public {
        _commit(batch);
        vm.revertToState(fork);
        _settleInTheOtherLane(batch);
        _assertSettledOnce();
    }

    /// @dev The commit was mined again later than first, so the reveal waits for it.
    function test_ACommitThatMovedToALaterBlockIsRevealedAfterThat() public {
        _commit(batch);
        vm.revertToState(fork);
        _skip(1);
        _commit(batch);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.RevealTooEarly.selector, vm.getBlockNumber()));
        _reveal(batch);
        _skip(1);
        _reveal(batch);
        _assertSettledOnce();
    }

    function test_ALostRevealIsMadeAgain() public {
        _commit(batch);
        _skip(1);
        fork = vm.snapshotState();
        _reveal(batch);
        vm.revertToState(fork);
        assertEq(tokenA.balanceOf(_user(0)), 1_000e18, "taken back");
        _skip(MAX_DELAY - 1);
        _reveal(batch);
        _assertSettledOnce();
    }

    /// @dev By now everybody has seen batch and salt; all that is missing is a lane of one's own.
    function test_ABatchThatWasPublicIsRevealedByNobodyElse() public {
        _settle(batch);
        vm.revertToState(fork);
        address other = address(0x07e5);
        bytes32 its = _commitment(batch, other, LANE, SALT);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LaneNotOpen.selector, other, LANE));
        vm.prank(other);
        settlement.commitTo(LANE, its);
        _settleInTheOtherLane(batch);
        _assertSettledOnce();
    }

    /// @dev Both the lost commit and the one in its place are mined in the end, each with its reveal.
    function test_ABatchThatIsRevealedInTwoLanesSettlesOnce() public {
        _settleInTheOtherLane(batch);
        _expectFailedAgain(_matchedBid(1, 0, 1));
        _settle(batch);
        _assertSettledOnce();
    }

    function test_ASettledBidIsNotReplayedInASecondBatch() public {
        _settle(batch);
        BidData memory replayed = _matchedBid(1, 0, 1);
        BidData memory other = _matchedBid(2, 2, 1);
        _expectFailedAgain(replayed);
        _expectSettled(other);
        _skip(1);
        _settle(_encode(_list(replayed, other)));
        _assertSettledOnce();
    }

    /// @dev What made it fail is gone, and the bid with it: its solver need not stand by it any longer.
    function test_AFailedBidIsNotReplayedInASecondBatch() public {
        vm.prank(_user(0));
        tokenA.approve(address(settlement), 0);
        _settle(batch);
        vm.prank(_user(0));
        tokenA.approve(address(settlement), type(uint256).max);
        _skip(1);
        _expectFailedAgain(_matchedBid(1, 0, 1));
        _settle(batch);
        assertEq(tokenB.balanceOf(_user(1)), 2_000e18, "nothing moved");
    }

    function _settleInTheOtherLane(bytes memory what) private {
        bytes32 its = _commitment(what, settler, LANE + 1, NEW_SALT);
        vm.prank(settler);
        settlement.commitTo(LANE + 1, its);
        _skip(1);
        vm.prank(settler);
        settlement.reveal(what, NEW_SALT, LANE + 1);
    }

    function _expectFailedAgain(BidData memory replayed) private {
        _expectFailed(replayed, NEUTRAL, IBidFrame.BidNonceUsed.selector);
    }

    function _assertSettledOnce() private view {
        assertEq(tokenA.balanceOf(_user(1)) % 1_000e18, SELL, "bought once");
        assertEq(tokenB.balanceOf(_user(0)) % 1_000e18, SELL, "bought once");
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {BidData} from "../utils/BatchEncoder.sol";
import {SettlementTest} from "../utils/SettlementTest.sol";

/// @dev A commitment that is not revealed in time blocks nothing: not its lane, not its intents.
contract ExpiryTest is SettlementTest {
    bytes internal batch;
    bytes32 internal commitment;

    function setUp() public override {
        super.setUp();
        batch = _encode(_matchedBid(1, 0, 1));
        commitment = _commitment(batch, settler, LANE, SALT);
    }

    function test_ALiveCommitmentDoesNotExpire() public {
        _commit(batch);
        uint256 committedAt = vm.getBlockNumber();
        _skip(MAX_DELAY);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentLive.selector, settler, LANE, committedAt));
        settlement.expire(settler, LANE);
        _reveal(batch);
    }

    function test_ALiveCommitmentIsNotReplacedNotEvenByItself() public {
        _commit(batch);
        uint256 committedAt = vm.getBlockNumber();
        _skip(MAX_DELAY);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentLive.selector, settler, LANE, committedAt));
        vm.prank(settler);
        settlement.commitTo(LANE, commitment);
    }

    function test_AnybodyRecordsThatACommitmentExpired() public {
        _commit(batch);
        _skip(MAX_DELAY + 1);
        vm.expectEmit(address(settlement));
        emit ISettlement.CommitmentExpired(settler, LANE, _prefix(commitment));
        vm.prank(address(0xa11));
        settlement.expire(settler, LANE);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingCommitted.selector, settler, LANE));
        settlement.expire(settler, LANE);
    }

    function test_AnExpiredCommitmentIsNotRevealed() public {
        _commit(batch);
        uint256 committedAt = vm.getBlockNumber();
        _skip(MAX_DELAY + 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.RevealTooLate.selector, committedAt));
        _reveal(batch);
        settlement.expire(settler, LANE);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingCommitted.selector, settler, LANE));
        _reveal(batch);
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

    function test_TheLaneOfAnExpiredCommitmentIsUsedAgain() public {
        _commit(batch);
        _skip(MAX_DELAY + 1);
        settlement.expire(settler, LANE);
        _settle(batch);
        assertEq(tokenB.balanceOf(_user(0)), 1_000e18 + SELL, "settled in the second attempt");
    }

    function test_AnOverwrittenCommitmentIsNotRevealed() public {
        _commit(batch);
        _skip(MAX_DELAY + 1);
        bytes memory other = _encode(_matchedBid(2, 2, 1));
        bytes32 others = _commit(other);
        _skip(1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CommitmentMismatch.selector, _prefix(others), commitment));
        _reveal(batch);
        _reveal(other);
        assertEq(tokenA.balanceOf(_user(0)), 1_000e18, "of the first batch nothing moved");
    }

    /// @dev The intents of a batch that was never revealed are as free as ever, in any other bid.
    function test_TheIntentsOfAnExpiredCommitmentAreFree() public {
        _commit(batch);
        _skip(MAX_DELAY + 1);
        settlement.expire(settler, LANE);
        BidData memory bid = _inventoryBid(3, 0, 2);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertTrue(_used(_user(0), bid.intents[0].nonce), "filled by another bid");
    }

    function _prefix(bytes32 value) private pure returns (bytes32) {
        return value >> 32 << 32;
    }
}

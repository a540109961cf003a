// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

contract LanesTest is SettlementTest {
    bytes internal batch;
    bytes32 internal commitment;

    function setUp() public override {
        super.setUp();
        batch = _encode(_matchedBid(1, 0, 1));
        commitment = _commitment(batch, settler, LANE, SALT);
    }

    function test_OnlyASettlerWithAnOpenLaneCommits() public {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LaneNotOpen.selector, address(this), LANE));
        settlement.commitTo(LANE, commitment);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LaneNotOpen.selector, settler, LANE + 1));
        vm.prank(settler);
        settlement.commitTo(LANE + 1, commitment);
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
        settlement.commitTo(LANE + 1, other);
        _skip(1);
        vm.prank(settler);
        settlement.reveal(second, SALT, LANE + 1);
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

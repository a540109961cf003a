// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {ISolvers} from "../../src/interfaces/ISolvers.sol";
import {BidData} from "../utils/BatchEncoder.sol";
import {Doors} from "./Doors.sol";
import {BadFiller} from "./mocks/BadFiller.sol";
import {BadToken} from "./mocks/BadToken.sol";
import {Door, Intruder} from "./mocks/Intruder.sol";

contract HostileFillersTest is Doors {
    function test_AFillerThatRevertsFailsItsBidOnly() public {
        hostileFiller.behave(BadFiller.Mode.Reverts);
        _settleFails(_callbackBid(), SOLVER, IBidFrame.CallbackFailed.selector);
    }

    function test_AFillerThatBurnsAllItsGasFailsItsBidOnly() public {
        hostileFiller.behave(BadFiller.Mode.BurnsGas);
        _settleFails(_callbackBid(), SOLVER, IBidFrame.CallbackFailed.selector);
    }

    function test_AFillerThatRevertsWithAMegabyteFailsItsBidOnly() public {
        hostileFiller.behave(BadFiller.Mode.RevertsWithMegabyte);
        _settleFails(_callbackBid(), SOLVER, IBidFrame.CallbackFailed.selector);
    }

    function test_AFillerThatReturnsAMegabyteSettles() public {
        hostileFiller.behave(BadFiller.Mode.ReturnsMegabyte);
        _settleSettles(_callbackBid());
    }

    /// @dev Its signed gas is not enough for its callback: nobody is to blame for what was not tried.
    function test_AFillerThatIsPromisedMoreGasThanTheBidHasIsNotCalled() public {
        BidData memory bid = _hostileBid();
        bid.callbackGas = bid.gas;
        _signHostile(bid);
        _settleFails(bid, NEUTRAL, IBidFrame.CallbackGasUnavailable.selector);
    }

    function test_AFillerThatSpentItsInventoryBeforeTheRevealIsShort() public {
        BidData memory bid = _hostileBid();
        _commitAround(bid);
        hostileFiller.run(address(tokenB), _spend());
        _revealFails(SOLVER, IBidFrame.FillerShort.selector);
    }

    function test_AFillerThatTookItsApprovalBackBeforeTheRevealIsShort() public {
        BidData memory bid = _hostileBid();
        _commitAround(bid);
        _approve(address(tokenB), BUY / 2 + BUY - 1);
        _revealFails(SOLVER, IBidFrame.FillerShort.selector);
    }

    function test_AFillerThatSpendsItsInventoryInItsCallbackIsShort() public {
        hostileFiller.plan(address(tokenB), _spend());
        _settleFails(_callbackBid(), SOLVER, IBidFrame.FillerShort.selector);
    }

    function test_AFillerThatTakesItsApprovalBackInItsCallbackIsShort() public {
        hostileFiller.plan(address(tokenB), abi.encodeCall(tokenA.approve, (address(settlement), 0)));
        _settleFails(_callbackBid(), SOLVER, IBidFrame.FillerShort.selector);
    }

    /// @dev Less than the limit is signed by the solver itself: it was never a fill.
    function test_AFillerThatPaysLessThanTheLimitFails() public {
        BidData memory bid = _hostileBid();
        bid.legs[3].amount = BUY - 1;
        _signHostile(bid);
        _settleFails(bid, NEUTRAL, IBidFrame.LimitBroken.selector);
    }

    function test_AFillerThatPaysInATokenWithAFeePaysShort() public {
        _settleFails(_feeBid(false), NEUTRAL, IBidFrame.TransferShort.selector);
    }

    /// @dev Whoever keeps the plain list answers for it: a listed token is taken at its word.
    function test_AListedTokenWithAFeeIsTakenAtItsWord() public {
        _settleSettles(_feeBid(true));
    }

    /// @dev A known gap: the bid is not attempted, so it costs its solver nothing.
    function test_ASolverLeavesABidByUnbindingItsFiller() public {
        BidData memory bid = _hostileBid();
        _commitAround(bid);
        hostileFiller.run(address(settlement), abi.encodeCall(settlement.bindFiller, (address(0))));
        _revealRefused(ISolvers.FillerNotBound.selector);
    }

    /// @dev The same gap: a key that is gone has signed for nobody.
    function test_ASolverLeavesABidByRemovingItsKey() public {
        address key = _user(700);
        vm.prank(hostileSolver);
        settlement.setKey(key, true);
        BidData memory bid = _hostileBid();
        _signBid(bid, _userKey(700));
        _commitAround(bid);
        vm.prank(hostileSolver);
        settlement.setKey(key, false);
        _revealRefused(ISolvers.UnknownKey.selector);
    }

    function test_AFillerFindsEveryDoorShut() public {
        hostileFiller.plan(address(hostileFiller), _knock());
        _settleSettles(_callbackBid());
        assertEq(hostileFiller.stepsMade(), 1, "it did try");
    }

    /// @dev The filler has the solver's and the settler's own accounts call, which by then have code.
    function test_TheAccountsOfSolverAndSettlerFindEveryDoorShut() public {
        address[2] memory accomplices = [hostileSolver, settler];
        for (uint256 i = 0; i < 2; ++i) {
            _corrupt(accomplices[i]);
            hostileFiller.plan(accomplices[i], _knock());
        }
        _settleSettles(_callbackBid());
        assertEq(hostileFiller.stepsMade(), 2, "they did try");
    }

    /// @dev Everything but the lock would let it: the settler, its lane, its commitment, its salt.
    function test_ASettlerRevealsNothingInsideAReveal() public {
        vm.prank(admin);
        settlement.openLane(settler, LANE + 1);
        bytes memory second = _encode(_matchedBid(803, 920, 1));
        bytes32 commitment = _commitment(second, settler, LANE + 1, SALT);
        vm.prank(settler);
        settlement.commit(LANE + 1, commitment);
        _corrupt(settler);
        Door[] memory door = new Door[](1);
        door[0] = Door(abi.encodeCall(settlement.reveal, (LANE + 1, second, SALT)), LOCKED);
        hostileFiller.plan(settler, abi.encodeCall(Intruder.knock, (address(settlement), door)));
        _settleSettles(_callbackBid());
        assertEq(hostileFiller.stepsMade(), 1, "it did try");
        vm.prank(settler);
        settlement.reveal(LANE + 1, second, SALT);
        assertEq(tokenA.balanceOf(_user(920)), 1_000e18 - SELL, "and could have, a moment later");
    }

    function test_WhatIsTheCallersOwnStaysOpenAndHarmsNobody() public {
        Door[] memory open = _openDoors();
        for (uint256 i = 0; i < open.length; ++i) {
            hostileFiller.plan(address(settlement), open[i].call);
        }
        _settleSettles(_callbackBid());
        assertEq(hostileFiller.stepsMade(), open.length, "all were open");
        assertEq(settlement.nonces(address(hostileFiller), 0), type(uint256).max, "its own nonces");
        assertEq(settlement.owner(), admin, "a wish to own is not ownership");
        assertEq(settlement.solverOfFiller(address(hostileFiller)), address(0), "it is bound no longer");
        assertEq(settlement.solverOfKey(address(0x6e7)), address(hostileFiller), "its own key");
    }

    /// @dev The suspect buys a token that takes a fee, from the filler.
    function _feeBid(bool listed) private returns (BidData memory bid) {
        BadToken token = new BadToken();
        token.behave(BadToken.Mode.TakesFee);
        token.mint(address(hostileFiller), BUY);
        _approve(address(token), BUY);
        vm.prank(admin);
        settlement.setPlainToken(address(token), listed);
        bid = _hostileBid(address(tokenA), address(token));
    }

    /// @dev Leaves the filler one short of what its legs pay.
    function _spend() private view returns (bytes memory) {
        return abi.encodeCall(tokenA.transfer, (hostileSolver, 1e30 - BUY / 2 - BUY + 1));
    }
}

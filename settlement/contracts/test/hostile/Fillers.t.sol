// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
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
        bytes32 said = _settleFails(_callbackBid(), SOLVER, IBidFrame.CallbackFailed.selector);
        assertEq(said, IBidFrame.CallbackFailed.selector, "nothing of the megabyte is in the log");
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

    function test_ASolverThatUnbindsItsFillerPays() public {
        BidData memory bid = _hostileBid();
        _commitAround(bid);
        hostileFiller.run(address(settlement), abi.encodeCall(settlement.bindFiller, (address(0))));
        _revealLeft(ISolvers.FillerNotBound.selector);
    }

    function test_ASolverThatRemovesItsKeyPays() public {
        _commitSignedByKey();
        vm.prank(hostileSolver);
        settlement.setKey(_user(700), false);
        _revealLeft(ISolvers.KeyRemoved.selector);
    }

    /// @dev The key becomes a solver itself: a second way for it to sign no more.
    function test_ASolverPaysIfItsKeyRegisters() public {
        _commitSignedByKey();
        vm.prank(_user(700));
        settlement.register();
        _revealLeft(ISolvers.KeyRemoved.selector);
    }

    /// @dev An accomplice names the removed key, so that it signs for somebody else by now.
    function test_ASolverPaysIfAnotherNamesItsKey() public {
        _commitSignedByKey();
        vm.prank(hostileSolver);
        settlement.setKey(_user(700), false);
        vm.prank(_user(701));
        settlement.register();
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(_user(701));
            settlement.setKey(_user(700), i == 0);
        }
        _revealLeft(ISolvers.KeyRemoved.selector);
    }

    /// @dev Whoever finds a removed key later does no harm with it.
    function test_ASolverDoesNotAnswerForAKeyAfterTheDelay() public {
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(hostileSolver);
            settlement.setKey(_user(700), i == 0);
        }
        vm.warp(vm.getBlockTimestamp() + WITHDRAWAL_DELAY);
        BidData memory bid = _hostileBid();
        _signBid(bid, _userKey(700));
        _commitAround(bid);
        _revealRefused(ISolvers.UnknownKey.selector);
    }

    /// @dev The operator's pause is not the solver's doing, whatever the solver does besides.
    function test_APausedSolverDoesNotPayForARemovedKey() public {
        _commitSignedByKey();
        vm.prank(hostileSolver);
        settlement.setKey(_user(700), false);
        vm.prank(admin);
        settlement.setPaused(hostileSolver, true);
        _revealRefused(ISolvers.UnknownKey.selector);
    }

    /// @dev Its callback takes all the gas that it can have and leaves the filler short. What its payments need is kept
    /// back, so it is found out: running out of gas would be nobody's fault.
    function test_AFillerThatBurnsTheGasOfItsPaymentsIsFoundShortAllTheSame() public {
        hostileFiller.behave(BadFiller.Mode.WastesGas);
        BidData memory bid = _hostileBid();
        (bid.gas, bid.callbackGas) = (1_000_000, 1_000_000);
        do {
            bid.callbackGas -= 4_000;
            _signHostile(bid);
        } while (_reasonOf(bid) == IBidFrame.CallbackGasUnavailable.selector);
        hostileFiller.plan(address(tokenB), abi.encodeCall(tokenA.approve, (address(settlement), 0)));
        _settleFails(bid, SOLVER, IBidFrame.FillerShort.selector);
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
        settlement.commitTo(LANE + 1, commitment);
        _corrupt(settler);
        Door[] memory door = new Door[](1);
        door[0] = Door(abi.encodeCall(settlement.reveal, (second, SALT, LANE + 1)), LOCKED);
        hostileFiller.plan(settler, abi.encodeCall(Intruder.knock, (address(settlement), door)));
        _settleSettles(_callbackBid());
        assertEq(hostileFiller.stepsMade(), 1, "it did try");
        vm.prank(settler);
        settlement.reveal(second, SALT, LANE + 1);
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

    /// @dev Commits a bid that a named key of the hostile solver has signed.
    function _commitSignedByKey() private {
        vm.prank(hostileSolver);
        settlement.setKey(_user(700), true);
        BidData memory bid = _hostileBid();
        _signBid(bid, _userKey(700));
        _commitAround(bid);
    }

    /// @dev Why a bid would fail if it were revealed now.
    function _reasonOf(BidData memory bid) private returns (bytes4) {
        (, bytes memory answer) = address(settlement).call(abi.encodeCall(settlement.simulate, (_encode(bid))));
        assembly ("memory-safe") {
            mstore(add(answer, 4), sub(mload(answer), 4))
            answer := add(answer, 4)
        }
        ISettlement.BidResult[] memory results = abi.decode(answer, (ISettlement.BidResult[]));
        return bytes4(results[0].reason);
    }

    /// @dev Leaves the filler one short of what its legs pay.
    function _spend() private view returns (bytes memory) {
        return abi.encodeCall(tokenA.transfer, (hostileSolver, 1e30 - BUY / 2 - BUY + 1));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {BidData} from "../utils/BatchEncoder.sol";
import {Doors} from "./Doors.sol";
import {BadFiller} from "./mocks/BadFiller.sol";
import {BadOwner} from "./mocks/BadOwner.sol";
import {Door, Intruder} from "./mocks/Intruder.sol";

/// @dev Money that solvers, owners and the operator take out of the contract, in hostile hands.
contract HostileReceiversTest is Doors {
    BadOwner internal receiver;

    /// @dev Bond and deposit of the hostile solver may be withdrawn from here on.
    function setUp() public override {
        super.setUp();
        receiver = new BadOwner();
        vm.prank(hostileSolver);
        settlement.requestWithdrawal(IBonds.Fund.Bond, uint128(BOND));
        vm.prank(hostileSolver);
        settlement.requestWithdrawal(IBonds.Fund.Gas, uint128(GAS_DEPOSIT));
        vm.warp(block.timestamp + WITHDRAWAL_DELAY);
    }

    function test_AReceiverOfAWithdrawalFindsEveryDoorShut() public {
        receiver.plan(address(receiver), _knock());
        _corrupt(hostileSolver);
        receiver.plan(hostileSolver, _knock());
        _withdraw(IBonds.Fund.Bond);
        assertEq(receiver.stepsMade(), 2, "it did try");
        assertEq(address(receiver).balance, BOND, "once");
        assertEq(_money(hostileSolver).gas, GAS_DEPOSIT, "and nothing else");
    }

    function test_AReceiverOfWhatIsCollectedFindsEveryDoorShut() public {
        _settleSettles(_hostileBid());
        uint256 charged = GAS_DEPOSIT - _money(hostileSolver).gas;
        receiver.plan(address(receiver), _knock());
        address[] memory solvers = new address[](2);
        (solvers[0], solvers[1]) = (hostileSolver, hostileSolver);
        vm.prank(admin);
        settlement.collect(solvers, payable(address(receiver)));
        assertEq(receiver.stepsMade(), 1, "it did try");
        assertEq(address(receiver).balance, charged, "what was charged, once");
    }

    function test_AnOwnerThatReentersItsClaimIsPaidOnce() public {
        _penalise();
        receiver.plan(address(receiver), _knock());
        Door[] memory doors = new Door[](2);
        (bytes32 bid, address[] memory owners, uint256[] memory amounts) = _penalty();
        doors[0] = Door(abi.encodeCall(settlement.claimPenalty, (bid, owners, amounts, 0)), LOCKED);
        doors[1] = Door(abi.encodeCall(settlement.claimPenalty, (bid, owners, amounts, 1)), LOCKED);
        receiver.plan(address(receiver), abi.encodeCall(Intruder.knock, (address(settlement), doors)));
        _claim(1);
        assertEq(receiver.stepsMade(), 2, "it did try");
        assertEq(address(receiver).balance, amounts[1], "its share");
        vm.expectRevert(abi.encodeWithSelector(IBonds.AlreadyClaimed.selector, bid, 1));
        _claim(1);
        _claim(0);
        assertEq(_user(BYSTANDER).balance, amounts[0], "the other's is still there");
    }

    function test_AnOwnerThatWantsNoMoneyKeepsNobodyFromTheirs() public {
        bytes[2] memory refusals = [abi.encodeCall(receiver.refuse, ()), abi.encodeCall(receiver.burnGas, ())];
        _penalise();
        for (uint256 i = 0; i < 2; ++i) {
            uint256 before = vm.snapshotState();
            receiver.plan(address(receiver), refusals[i]);
            vm.expectRevert();
            this.claim{gas: 1_000_000}(1);
            _claim(0);
            uint256 burned = address(0).balance + settlement.burnable();
            settlement.burn();
            assertEq(address(0).balance, burned, "nor the rest from being burned");
            vm.revertToState(before);
        }
        _claim(1);
        assertTrue(address(receiver).balance != 0, "and may want it later");
    }

    /// @dev All but the lock would let it: the solver itself calls, and the delay is over.
    function test_ASolverTakesNothingFromUnderItsOwnBid() public {
        Door[] memory doors = new Door[](2);
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory call = abi.encodeCall(settlement.withdraw, (IBonds.Fund(i), payable(address(receiver))));
            doors[i] = Door(call, LOCKED);
        }
        _corrupt(hostileSolver);
        hostileFiller.plan(hostileSolver, abi.encodeCall(Intruder.knock, (address(settlement), doors)));
        _settleSettles(_callbackBid());
        assertEq(hostileFiller.stepsMade(), 1, "it did try");
        uint256 left = _money(hostileSolver).gas;
        _withdraw(IBonds.Fund.Gas);
        assertEq(address(receiver).balance, left, "and may, a moment later, have what is left");
    }

    function test_WhatIsLeavingStillPays() public {
        hostileFiller.behave(BadFiller.Mode.Reverts);
        _settleFails(_callbackBid(), SOLVER, IBidFrame.CallbackFailed.selector);
        _withdraw(IBonds.Fund.Bond);
        assertEq(address(receiver).balance, BOND - PENALTY, "what the penalty has left");
    }

    function test_ASolverWhoseDepositLeftBeforeTheRevealIsNotAttempted() public {
        _commitAround(_hostileBid());
        _withdraw(IBonds.Fund.Gas);
        _revealRefused(IBonds.DepositShort.selector);
    }

    /// @dev Why a bond that is leaving does not count when a bid is let in.
    function test_ABondThatLeftBeforeTheRevealPaysNothing() public {
        hostileFiller.behave(BadFiller.Mode.Reverts);
        _commitAround(_callbackBid());
        _withdraw(IBonds.Fund.Bond);
        penaltyDue = 0;
        _revealFails(SOLVER, IBidFrame.CallbackFailed.selector);
    }

    /// @dev By a call from outside, so that its gas can be bounded.
    function claim(uint256 index) external {
        _claim(index);
    }

    function _withdraw(IBonds.Fund fund) private {
        vm.prank(hostileSolver);
        settlement.withdraw(fund, payable(address(receiver)));
    }

    /// @dev A penalty of which the second share is the receiver's.
    function _penalise() private {
        hostileFiller.behave(BadFiller.Mode.Reverts);
        BidData memory bid = _callbackBid();
        _fund(address(receiver));
        bid.intents[1].owner = address(receiver);
        (bid.intents[1].form1, bid.intents[1].signature) = (true, "accepted");
        _signHostile(bid);
        claimsAtOnce = false;
        _settleFails(bid, SOLVER, IBidFrame.CallbackFailed.selector);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";
import {ReentrancyGuardTransient} from "solady/utils/ReentrancyGuardTransient.sol";
import {IBonds} from "../src/interfaces/IBonds.sol";
import {ISolvers} from "../src/interfaces/ISolvers.sol";
import {Receiver} from "./mocks/Receiver.sol";
import {BidData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

/// @dev How money gets in and out, and who may move it.
contract BondsTest is SettlementTest {
    address payable internal constant TO = payable(address(0x70));

    function test_AnybodyPaysInForASolver() public {
        address payer = address(0xfee);
        vm.deal(payer, 3 ether);
        vm.expectEmit(address(settlement));
        emit IBonds.FundsDeposited(solver, IBonds.Fund.Bond, 1 ether, payer);
        vm.prank(payer);
        settlement.deposit{value: 1 ether}(solver, IBonds.Fund.Bond);
        vm.prank(payer);
        settlement.deposit{value: 2 ether}(solver, IBonds.Fund.Gas);
        _assertFunds(BOND + 1 ether, 0, GAS_DEPOSIT + 2 ether, 0);
    }

    function test_OnlySolversHaveFunds() public {
        vm.deal(address(this), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(ISolvers.UnknownSolver.selector, TO));
        settlement.deposit{value: 1 ether}(TO, IBonds.Fund.Bond);
        // A key is not a solver.
        vm.prank(solver);
        settlement.setKey(TO, true);
        vm.expectRevert(abi.encodeWithSelector(ISolvers.UnknownSolver.selector, TO));
        settlement.deposit{value: 1 ether}(TO, IBonds.Fund.Gas);
        vm.expectRevert(abi.encodeWithSelector(ISolvers.UnknownSolver.selector, TO));
        vm.prank(TO);
        settlement.requestWithdrawal(IBonds.Fund.Gas, 0);
    }

    function test_ADepositThatTheCounterCannotHoldIsRefused() public {
        uint256 much = 1 << 88;
        vm.deal(address(this), 1 << 129);
        vm.expectRevert(abi.encodeWithSelector(IBonds.DepositTooLarge.selector, much + GAS_DEPOSIT));
        settlement.deposit{value: much}(solver, IBonds.Fund.Gas);
        settlement.deposit{value: much - 1 - GAS_DEPOSIT}(solver, IBonds.Fund.Gas);
        vm.expectRevert(abi.encodeWithSelector(IBonds.DepositTooLarge.selector, BOND + (1 << 128)));
        settlement.deposit{value: 1 << 128}(solver, IBonds.Fund.Bond);
        _assertFunds(BOND, 0, much - 1, 0);
    }

    function test_AWithdrawalIsRequestedAndMadeAfterTheDelay() public {
        for (uint256 i = 0; i < 2; ++i) {
            IBonds.Fund fund = IBonds.Fund(i);
            uint256 availableAt = vm.getBlockTimestamp() + WITHDRAWAL_DELAY;
            vm.expectEmit(address(settlement));
            emit IBonds.WithdrawalRequested(solver, fund, 2 ether, availableAt);
            _request(fund, 2 ether);
            _pass(WITHDRAWAL_DELAY - 1);
            vm.expectRevert(abi.encodeWithSelector(IBonds.WithdrawalTooEarly.selector, availableAt));
            _withdraw(fund);
            _pass(1);
            vm.expectEmit(address(settlement));
            emit IBonds.FundsWithdrawn(solver, fund, 2 ether, TO);
            _withdraw(fund);
            assertEq(TO.balance, 2 ether * (i + 1), "paid");
            vm.expectRevert(IBonds.NothingRequested.selector);
            _withdraw(fund);
        }
        _assertFunds(BOND - 2 ether, 0, GAS_DEPOSIT - 2 ether, 0);
    }

    function test_ANewRequestReplacesTheFormerAndRestartsTheDelay() public {
        _request(IBonds.Fund.Bond, 2 ether);
        _pass(WITHDRAWAL_DELAY - 1);
        _request(IBonds.Fund.Bond, 3 ether);
        _assertFunds(BOND, 3 ether, GAS_DEPOSIT, 0);
        _pass(1);
        vm.expectRevert(
            abi.encodeWithSelector(IBonds.WithdrawalTooEarly.selector, vm.getBlockTimestamp() - 1 + WITHDRAWAL_DELAY)
        );
        _withdraw(IBonds.Fund.Bond);
        _request(IBonds.Fund.Bond, 0);
        _pass(WITHDRAWAL_DELAY);
        vm.expectRevert(IBonds.NothingRequested.selector);
        _withdraw(IBonds.Fund.Bond);
        _assertFunds(BOND, 0, GAS_DEPOSIT, 0);
    }

    function test_NoMoreIsRequestedThanThereIs() public {
        vm.expectRevert(abi.encodeWithSelector(IBonds.FundsMissing.selector, BOND));
        _request(IBonds.Fund.Bond, uint128(BOND + 1));
        vm.expectRevert(abi.encodeWithSelector(IBonds.FundsMissing.selector, GAS_DEPOSIT));
        _request(IBonds.Fund.Gas, uint128(GAS_DEPOSIT + 1));
    }

    function test_APausedSolverTakesItsMoney() public {
        vm.prank(admin);
        settlement.setPaused(solver, true);
        _request(IBonds.Fund.Bond, uint128(BOND));
        _pass(WITHDRAWAL_DELAY);
        _withdraw(IBonds.Fund.Bond);
        assertEq(TO.balance, BOND, "all of it");
    }

    function test_WhatIsRequestedStillPaysForGas() public {
        _request(IBonds.Fund.Gas, uint128(GAS_DEPOSIT));
        _settle(_encode(_matchedBid(1, 0, 1)));
        (,, uint128 gas, uint128 leaving) = settlement.fundsOf(solver);
        assertTrue(gas < GAS_DEPOSIT, "charged");
        assertEq(leaving, gas, "no more is leaving than there is");
        _pass(WITHDRAWAL_DELAY);
        _withdraw(IBonds.Fund.Gas);
        assertEq(TO.balance, gas, "what was left");
        _assertFunds(BOND, 0, 0, 0);
        assertEq(address(settlement).balance, BOND + GAS_DEPOSIT - gas, "the charge stays for the operator");
    }

    function test_TheOperatorCollectsWhatWasChargedOnce() public {
        _settle(_encode(_matchedBid(1, 0, 1)));
        (,, uint128 gas,) = settlement.fundsOf(solver);
        uint256 charged = GAS_DEPOSIT - gas;
        address[] memory solvers = new address[](3);
        (solvers[0], solvers[1], solvers[2]) = (solver, address(0xabc), solver);
        vm.expectRevert(Ownable.Unauthorized.selector);
        settlement.collect(solvers, TO);
        vm.expectEmit(address(settlement));
        emit IBonds.ChargesCollected(solver, charged, TO);
        vm.prank(admin);
        settlement.collect(solvers, TO);
        assertEq(TO.balance, charged, "paid");
        vm.prank(admin);
        settlement.collect(solvers, TO);
        assertEq(TO.balance, charged, "once");
        _assertFunds(BOND, 0, gas, 0);
    }

    function test_AnEtherReceiverThatReentersFindsEveryDoorShut() public {
        Receiver receiver = new Receiver();
        bytes[] memory doors = _doors();
        for (uint256 i = 0; i < doors.length; ++i) {
            receiver.callBack(address(settlement), doors[i]);
            _request(IBonds.Fund.Bond, 1);
            _pass(WITHDRAWAL_DELAY);
            vm.prank(solver);
            settlement.withdraw(IBonds.Fund.Bond, payable(address(receiver)));
            assertEq(receiver.reentryError(), ReentrancyGuardTransient.Reentrancy.selector, "shut");
        }
    }

    function test_AReceiverThatRefusesEtherLeavesAllAsItWas() public {
        Receiver receiver = new Receiver();
        receiver.behave(Receiver.Mode.Refuses);
        _request(IBonds.Fund.Bond, 1 ether);
        _pass(WITHDRAWAL_DELAY);
        vm.expectRevert(SafeTransferLib.ETHTransferFailed.selector);
        vm.prank(solver);
        settlement.withdraw(IBonds.Fund.Bond, payable(address(receiver)));
        _withdraw(IBonds.Fund.Bond);
        assertEq(TO.balance, 1 ether, "to somebody else");
    }

    function test_EtherComesInByDepositOnly() public {
        vm.deal(address(this), 1 ether);
        (bool ok,) = address(settlement).call{value: 1 ether}("");
        assertTrue(!ok, "refused");
    }

    function _doors() private view returns (bytes[] memory doors) {
        doors = new bytes[](8);
        doors[0] = abi.encodeCall(settlement.deposit, (solver, IBonds.Fund.Gas));
        doors[1] = abi.encodeCall(settlement.requestWithdrawal, (IBonds.Fund.Gas, 0));
        doors[2] = abi.encodeCall(settlement.withdraw, (IBonds.Fund.Gas, TO));
        doors[3] = abi.encodeCall(settlement.claimPenalty, (SALT, new address[](0), new uint256[](0), 0));
        doors[4] = abi.encodeCall(settlement.burn, ());
        doors[5] = abi.encodeCall(settlement.reveal, ("", SALT, LANE));
        doors[6] = abi.encodeCall(settlement.simulate, (""));
        doors[7] = abi.encodeCall(settlement.expire, (settler, LANE));
    }

    function _request(IBonds.Fund fund, uint128 amount) private {
        vm.prank(solver);
        settlement.requestWithdrawal(fund, amount);
    }

    function _withdraw(IBonds.Fund fund) private {
        vm.prank(solver);
        settlement.withdraw(fund, TO);
    }

    function _pass(uint256 secs) private {
        vm.warp(vm.getBlockTimestamp() + secs);
    }

    function _assertFunds(uint256 bond, uint256 bondLeaving, uint256 gas, uint256 gasLeaving) private view {
        (uint128 bond_, uint128 bondLeaving_, uint128 gas_, uint128 gasLeaving_) = settlement.fundsOf(solver);
        assertEq(bond_, bond, "bond");
        assertEq(bondLeaving_, bondLeaving, "bond leaving");
        assertEq(gas_, gas, "gas");
        assertEq(gasLeaving_, gasLeaving, "gas leaving");
    }
}

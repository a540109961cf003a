// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {ISolvers} from "../src/interfaces/ISolvers.sol";
import {Settlement} from "../src/Settlement.sol";
import {Test} from "./utils/Test.sol";

contract SolversTest is Test {
    address internal admin = address(0xad);
    address internal solver = address(0x501);
    address internal other = address(0x502);
    address internal key = address(0x6e7);
    address internal filler = address(0xf111);
    Settlement internal settlement;

    function setUp() public {
        settlement = _deploySettlement(admin, 20, 1 days, 1 gwei);
        vm.prank(solver);
        settlement.register();
        vm.prank(filler);
        settlement.bindFiller(solver);
    }

    function test_AnybodyRegistersOnce() public {
        vm.expectEmit(address(settlement));
        emit ISolvers.SolverRegistered(other);
        vm.expectEmit(address(settlement));
        emit ISolvers.KeySet(other, other, true);
        vm.prank(other);
        settlement.register();
        assertEq(settlement.solverOfKey(other), other, "its own first key");
        vm.expectRevert(abi.encodeWithSelector(ISolvers.AlreadyRegistered.selector, other));
        vm.prank(other);
        settlement.register();
    }

    function test_ASolverNamesAndRemovesKeys() public {
        vm.expectEmit(address(settlement));
        emit ISolvers.KeySet(solver, key, true);
        vm.prank(solver);
        settlement.setKey(key, true);
        assertEq(settlement.solverOfKey(key), solver, "named");
        assertEq(settlement.authorise(key, solver, filler), bytes4(0), "signs");
        vm.expectEmit(address(settlement));
        emit ISolvers.KeySet(solver, key, false);
        vm.prank(solver);
        settlement.setKey(key, false);
        assertEq(settlement.solverOfKey(key), address(0), "removed");
        assertEq(settlement.authorise(key, solver, filler), ISolvers.KeyRemoved.selector, "signs no more");
        vm.warp(vm.getBlockTimestamp() + 1 days);
        assertEq(settlement.authorise(key, solver, filler), ISolvers.UnknownKey.selector, "never did");
    }

    function test_OnlyASolverNamesKeys() public {
        vm.expectRevert(abi.encodeWithSelector(ISolvers.UnknownSolver.selector, other));
        vm.prank(other);
        settlement.setKey(key, true);
        vm.prank(solver);
        settlement.setKey(key, true);
        // A key is not a solver.
        vm.expectRevert(abi.encodeWithSelector(ISolvers.UnknownSolver.selector, key));
        vm.prank(key);
        settlement.setKey(other, true);
    }

    function test_AKeySignsForOneSolverOnly() public {
        vm.prank(solver);
        settlement.setKey(key, true);
        vm.prank(other);
        settlement.register();
        vm.expectRevert(abi.encodeWithSelector(ISolvers.KeyTaken.selector, key, solver));
        vm.prank(other);
        settlement.setKey(key, true);
        vm.expectRevert(abi.encodeWithSelector(ISolvers.KeyTaken.selector, solver, solver));
        vm.prank(other);
        settlement.setKey(solver, true);
    }

    function test_AnAccountThatAnotherSolverNamedRegistersAllTheSame() public {
        vm.prank(solver);
        settlement.setKey(other, true);
        vm.expectEmit(address(settlement));
        emit ISolvers.KeySet(solver, other, false);
        vm.prank(other);
        settlement.register();
        assertEq(settlement.solverOfKey(other), other, "its own");
        assertEq(settlement.authorise(other, solver, filler), ISolvers.KeyRemoved.selector, "the other's no more");
    }

    function test_AKeyRemovesItself() public {
        vm.prank(solver);
        settlement.setKey(key, true);
        vm.prank(key);
        settlement.setKey(key, false);
        assertEq(settlement.solverOfKey(key), address(0), "removed");
    }

    function test_NobodyElseRemovesAKey() public {
        vm.prank(solver);
        settlement.setKey(key, true);
        vm.prank(other);
        settlement.register();
        vm.expectRevert(abi.encodeWithSelector(ISolvers.NotYourKey.selector, key));
        vm.prank(other);
        settlement.setKey(key, false);
        vm.expectRevert(abi.encodeWithSelector(ISolvers.NotYourKey.selector, other));
        settlement.setKey(other, false);
    }

    function test_ASolversOwnAccountAlwaysSigns() public {
        vm.expectRevert(ISolvers.OwnAccount.selector);
        vm.prank(solver);
        settlement.setKey(solver, false);
    }

    function test_TheZeroKeyIsNobodys() public {
        vm.expectRevert(abi.encodeWithSelector(ISolvers.NotYourKey.selector, address(0)));
        vm.prank(solver);
        settlement.setKey(address(0), true);
        assertEq(settlement.authorise(address(0), solver, filler), ISolvers.UnknownKey.selector, "zero key");
        assertEq(settlement.authorise(key, address(0), key), ISolvers.UnknownKey.selector, "zero solver");
    }

    function test_AFillerBindsItselfToOneSolver() public {
        vm.prank(other);
        settlement.register();
        vm.expectEmit(address(settlement));
        emit ISolvers.FillerBound(filler, other);
        vm.prank(filler);
        settlement.bindFiller(other);
        assertEq(settlement.solverOfFiller(filler), other, "bound");
        assertEq(settlement.authorise(solver, solver, filler), ISolvers.FillerNotBound.selector, "not to both");
        vm.prank(filler);
        settlement.bindFiller(address(0));
        assertEq(settlement.authorise(other, other, filler), ISolvers.FillerNotBound.selector, "unbound");
    }

    function test_AFillerBindsItselfOnlyToASolver() public {
        vm.expectRevert(abi.encodeWithSelector(ISolvers.UnknownSolver.selector, key));
        vm.prank(filler);
        settlement.bindFiller(key);
    }

    function test_ASolverHasSeveralFillers() public {
        address second = address(0xf112);
        vm.prank(second);
        settlement.bindFiller(solver);
        assertEq(settlement.authorise(solver, solver, filler), bytes4(0), "the first");
        assertEq(settlement.authorise(solver, solver, second), bytes4(0), "the second");
        vm.prank(filler);
        settlement.bindFiller(address(0));
        assertEq(settlement.authorise(solver, solver, filler), ISolvers.FillerNotBound.selector, "gone");
        assertEq(settlement.authorise(solver, solver, second), bytes4(0), "still there");
        vm.prank(filler);
        settlement.bindFiller(solver);
        assertEq(settlement.authorise(solver, solver, filler), bytes4(0), "back");
    }

    function test_NoFillerIsNotAFiller() public {
        vm.prank(other);
        settlement.register();
        assertEq(settlement.authorise(other, other, address(0)), ISolvers.FillerNotBound.selector, "zero");
        assertEq(settlement.authorise(solver, solver, address(0)), ISolvers.FillerNotBound.selector, "zero");
    }

    /// @dev A solver's slot names its filler where a key's names its solver.
    function test_ASolverDoesNotSignForItsFiller() public {
        vm.prank(other);
        settlement.register();
        vm.prank(other);
        settlement.bindFiller(solver);
        vm.prank(filler);
        settlement.bindFiller(address(0));
        vm.prank(other);
        settlement.bindFiller(solver);
        assertEq(settlement.authorise(solver, other, filler), ISolvers.UnknownKey.selector, "not for its filler");
        assertEq(settlement.solverOfKey(solver), solver, "for itself");
    }

    function test_TheOwnerPausesASolverWithAllItsKeys() public {
        vm.prank(solver);
        settlement.setKey(key, true);
        vm.expectEmit(address(settlement));
        emit ISolvers.SolverPauseSet(solver, true);
        vm.prank(admin);
        settlement.setPaused(solver, true);
        assertTrue(settlement.isPaused(solver), "paused");
        assertEq(settlement.authorise(solver, solver, filler), ISolvers.SolverPaused.selector, "account");
        assertEq(settlement.authorise(key, solver, filler), ISolvers.SolverPaused.selector, "key");
        vm.prank(admin);
        settlement.setPaused(solver, false);
        assertEq(settlement.authorise(key, solver, filler), bytes4(0), "again");
    }

    function test_OnlyTheOwnerPausesAndOnlySolvers() public {
        vm.expectRevert(Ownable.Unauthorized.selector);
        settlement.setPaused(solver, true);
        vm.expectRevert(abi.encodeWithSelector(ISolvers.UnknownSolver.selector, other));
        vm.prank(admin);
        settlement.setPaused(other, true);
    }
}

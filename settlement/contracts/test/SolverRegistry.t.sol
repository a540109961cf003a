// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {SolverRegistry} from "../src/SolverRegistry.sol";
import {ISolverRegistry} from "../src/interfaces/ISolverRegistry.sol";
import {Test} from "./utils/Test.sol";

contract SolverRegistryTest is Test {
    address internal admin = address(0xad);
    address internal solver = address(0x501);
    address internal other = address(0x502);
    address internal key = address(0x6e7);
    address internal filler = address(0xf111);
    SolverRegistry internal registry;

    function setUp() public {
        registry = new SolverRegistry(admin);
        vm.prank(solver);
        registry.register();
        vm.prank(filler);
        registry.bindFiller(solver);
    }

    function test_AnybodyRegistersOnce() public {
        vm.expectEmit(address(registry));
        emit ISolverRegistry.SolverRegistered(other);
        vm.expectEmit(address(registry));
        emit ISolverRegistry.KeySet(other, other, true);
        vm.prank(other);
        registry.register();
        assertEq(registry.solverOfKey(other), other, "its own first key");
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.AlreadyRegistered.selector, other));
        vm.prank(other);
        registry.register();
    }

    function test_ASolverNamesAndRemovesKeys() public {
        vm.expectEmit(address(registry));
        emit ISolverRegistry.KeySet(solver, key, true);
        vm.prank(solver);
        registry.setKey(key, true);
        assertEq(registry.solverOfKey(key), solver, "named");
        assertEq(registry.authorise(key, solver, filler), bytes4(0), "signs");
        vm.expectEmit(address(registry));
        emit ISolverRegistry.KeySet(solver, key, false);
        vm.prank(solver);
        registry.setKey(key, false);
        assertEq(registry.solverOfKey(key), address(0), "removed");
        assertEq(registry.authorise(key, solver, filler), ISolverRegistry.UnknownKey.selector, "signs no more");
    }

    function test_OnlyASolverNamesKeys() public {
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.UnknownSolver.selector, other));
        vm.prank(other);
        registry.setKey(key, true);
        vm.prank(solver);
        registry.setKey(key, true);
        // A key is not a solver.
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.UnknownSolver.selector, key));
        vm.prank(key);
        registry.setKey(other, true);
    }

    function test_AKeySignsForOneSolverOnly() public {
        vm.prank(solver);
        registry.setKey(key, true);
        vm.prank(other);
        registry.register();
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.KeyTaken.selector, key, solver));
        vm.prank(other);
        registry.setKey(key, true);
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.KeyTaken.selector, solver, solver));
        vm.prank(other);
        registry.setKey(solver, true);
    }

    function test_AnAccountThatAnotherSolverNamedRegistersAllTheSame() public {
        vm.prank(solver);
        registry.setKey(other, true);
        vm.expectEmit(address(registry));
        emit ISolverRegistry.KeySet(solver, other, false);
        vm.prank(other);
        registry.register();
        assertEq(registry.solverOfKey(other), other, "its own");
        assertEq(registry.authorise(other, solver, filler), ISolverRegistry.UnknownKey.selector, "the other's no more");
    }

    function test_AKeyRemovesItself() public {
        vm.prank(solver);
        registry.setKey(key, true);
        vm.prank(key);
        registry.setKey(key, false);
        assertEq(registry.solverOfKey(key), address(0), "removed");
    }

    function test_NobodyElseRemovesAKey() public {
        vm.prank(solver);
        registry.setKey(key, true);
        vm.prank(other);
        registry.register();
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.NotYourKey.selector, key));
        vm.prank(other);
        registry.setKey(key, false);
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.NotYourKey.selector, other));
        registry.setKey(other, false);
    }

    function test_ASolversOwnAccountAlwaysSigns() public {
        vm.expectRevert(ISolverRegistry.OwnAccount.selector);
        vm.prank(solver);
        registry.setKey(solver, false);
    }

    function test_TheZeroKeyIsNobodys() public {
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.NotYourKey.selector, address(0)));
        vm.prank(solver);
        registry.setKey(address(0), true);
        assertEq(registry.authorise(address(0), solver, filler), ISolverRegistry.UnknownKey.selector, "zero key");
        assertEq(registry.authorise(key, address(0), key), ISolverRegistry.UnknownKey.selector, "zero solver");
    }

    function test_AFillerBindsItselfToOneSolver() public {
        vm.prank(other);
        registry.register();
        vm.expectEmit(address(registry));
        emit ISolverRegistry.FillerBound(filler, other);
        vm.prank(filler);
        registry.bindFiller(other);
        assertEq(registry.solverOfFiller(filler), other, "bound");
        assertEq(registry.authorise(solver, solver, filler), ISolverRegistry.FillerNotBound.selector, "not to both");
        vm.prank(filler);
        registry.bindFiller(address(0));
        assertEq(registry.authorise(other, other, filler), ISolverRegistry.FillerNotBound.selector, "unbound");
    }

    function test_AFillerBindsItselfOnlyToASolver() public {
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.UnknownSolver.selector, key));
        vm.prank(filler);
        registry.bindFiller(key);
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.ForbiddenFiller.selector, address(registry)));
        vm.prank(address(registry));
        registry.bindFiller(solver);
    }

    function test_TheOwnerPausesASolverWithAllItsKeys() public {
        vm.prank(solver);
        registry.setKey(key, true);
        vm.expectEmit(address(registry));
        emit ISolverRegistry.SolverPauseSet(solver, true);
        vm.prank(admin);
        registry.setPaused(solver, true);
        assertTrue(registry.isPaused(solver), "paused");
        assertEq(registry.authorise(solver, solver, filler), ISolverRegistry.SolverPaused.selector, "account");
        assertEq(registry.authorise(key, solver, filler), ISolverRegistry.SolverPaused.selector, "key");
        vm.prank(admin);
        registry.setPaused(solver, false);
        assertEq(registry.authorise(key, solver, filler), bytes4(0), "again");
    }

    function test_OnlyTheOwnerPausesAndOnlySolvers() public {
        vm.expectRevert(Ownable.Unauthorized.selector);
        registry.setPaused(solver, true);
        vm.expectRevert(abi.encodeWithSelector(ISolverRegistry.UnknownSolver.selector, other));
        vm.prank(admin);
        registry.setPaused(other, true);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {ReentrancyGuardTransient} from "solady/utils/ReentrancyGuardTransient.sol";
import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {ISolvers} from "../../src/interfaces/ISolvers.sol";
import {HostileTest} from "./HostileTest.sol";
import {Door, Intruder} from "./mocks/Intruder.sol";

/// @dev Every function of Settlement that is not a view, and how it answers whoever calls it while a
/// bid is being settled.
abstract contract Doors is HostileTest {
    bytes4 internal constant LOCKED = ReentrancyGuardTransient.Reentrancy.selector;
    bytes4 private constant OWNERS = Ownable.Unauthorized.selector;

    string[] internal doorNames;
    Door[] private _shut;
    Door[] private _open;

    function setUp() public virtual override {
        super.setUp();
        _addLocked();
        _addOwners();
        _addOpen();
    }

    function _addLocked() private {
        _add("executeBid", _frameOf(SALT), IBidFrame.OnlySelf.selector);
        _add("commitTo", abi.encodeCall(settlement.commitTo, (LANE, SALT)), LOCKED);
        _add("reveal", abi.encodeCall(settlement.reveal, ("", SALT, LANE)), LOCKED);
        _add("expire", abi.encodeCall(settlement.expire, (settler, LANE)), LOCKED);
        _add("simulate", abi.encodeCall(settlement.simulate, ("")), LOCKED);
        _addMoney();
    }

    function _addMoney() private {
        address[] memory owners;
        uint256[] memory amounts;
        _add("deposit", abi.encodeCall(settlement.deposit, (hostileSolver, IBonds.Fund.Gas)), LOCKED);
        _add("requestWithdrawal", abi.encodeCall(settlement.requestWithdrawal, (IBonds.Fund.Gas, 1)), LOCKED);
        _add("withdraw", abi.encodeCall(settlement.withdraw, (IBonds.Fund.Gas, payable(settler))), LOCKED);
        _add("claimPenalty", abi.encodeCall(settlement.claimPenalty, (SALT, owners, amounts, 0)), LOCKED);
        _add("burn", abi.encodeCall(settlement.burn, ()), LOCKED);
        _add("collect", abi.encodeCall(settlement.collect, (owners, payable(settler))), OWNERS);
    }

    function _addOwners() private {
        _add("openLane", abi.encodeCall(settlement.openLane, (settler, LANE + 1)), OWNERS);
        _add("closeLane", abi.encodeCall(settlement.closeLane, (settler, LANE)), OWNERS);
        _add("setPlainToken", abi.encodeCall(settlement.setPlainToken, (address(tokenA), false)), OWNERS);
        _add("setPaused", abi.encodeCall(settlement.setPaused, (solver, true)), OWNERS);
        _add("transferOwnership", abi.encodeCall(settlement.transferOwnership, (settler)), OWNERS);
        _add("renounceOwnership", abi.encodeCall(settlement.renounceOwnership, ()), OWNERS);
        _add("completeOwnershipHandover", abi.encodeCall(settlement.completeOwnershipHandover, (settler)), OWNERS);
    }

    /// @dev These touch nothing but what is the caller's own and nothing that a bid reads once its frame
    /// is open, so they need no lock.
    function _addOpen() private {
        _addOpen("invalidateNonces", abi.encodeCall(settlement.invalidateNonces, (0, type(uint256).max)));
        _addOpen("requestOwnershipHandover", abi.encodeCall(settlement.requestOwnershipHandover, ()));
        _addOpen("cancelOwnershipHandover", abi.encodeCall(settlement.cancelOwnershipHandover, ()));
        _addOpen("register", abi.encodeCall(settlement.register, ()));
        _addOpen("setKey", abi.encodeCall(settlement.setKey, (address(0x6e7), true)), ISolvers.UnknownSolver.selector);
        _addOpen("bindFiller", abi.encodeCall(settlement.bindFiller, (address(0))));
    }

    function _add(string memory name, bytes memory call, bytes4 refusal) private {
        doorNames.push(name);
        _shut.push(Door(call, refusal));
    }

    function _addOpen(string memory name, bytes memory call) private {
        _addOpen(name, call, 0);
    }

    /// @dev `refusal` is how a static call is answered, in which none of the doors before it was gone through.
    function _addOpen(string memory name, bytes memory call, bytes4 refusal) private {
        doorNames.push(name);
        _open.push(Door(call, refusal));
    }

    /// @dev The call by which an intruder tries every door that must be shut.
    function _knock() internal view returns (bytes memory) {
        return abi.encodeCall(Intruder.knock, (address(settlement), _shut));
    }

    /// @dev The doors as a static call finds them: those that are open otherwise fail as well.
    function _staticDoors() internal view returns (Door[] memory doors) {
        doors = new Door[](_shut.length + _open.length);
        for (uint256 i = 0; i < doors.length; ++i) {
            doors[i] = i < _shut.length ? _shut[i] : _open[i - _shut.length];
        }
    }

    function _openDoors() internal view returns (Door[] memory) {
        return _open;
    }

    /// @dev Gives an account code that tries doors, as an account that delegated has.
    function _corrupt(address account) internal {
        vm.etch(account, type(Intruder).runtimeCode);
    }
}

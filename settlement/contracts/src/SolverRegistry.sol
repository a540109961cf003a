// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {ISolverRegistry} from "./interfaces/ISolverRegistry.sol";

/// @title SolverRegistry
/// @notice Self-service: anybody may register. Trust comes from bonds and standing, not from a list.
contract SolverRegistry is ISolverRegistry, Ownable {
    /// @dev The pause is kept in the slot of the solver's own account, which is also its first key:
    /// a solver that signs with its account costs Settlement two cold slots, not three.
    struct Key {
        address solver;
        bool paused;
    }

    mapping(address key => Key) private _keys;

    /// @inheritdoc ISolverRegistry
    mapping(address filler => address solver) public solverOfFiller;

    constructor(address owner) {
        _initializeOwner(owner);
    }

    /// @inheritdoc ISolverRegistry
    function register() external {
        address former = _keys[msg.sender].solver;
        if (former == msg.sender) revert AlreadyRegistered(msg.sender);
        if (former != address(0)) emit KeySet(former, msg.sender, false);
        _keys[msg.sender].solver = msg.sender;
        emit SolverRegistered(msg.sender);
        emit KeySet(msg.sender, msg.sender, true);
    }

    /// @inheritdoc ISolverRegistry
    function setKey(address key, bool enabled) external {
        address solver = _keys[key].solver;
        if (enabled) {
            if (!_isSolver(msg.sender)) revert UnknownSolver(msg.sender);
            if (key == address(0)) revert NotYourKey(key);
            if (solver != address(0)) revert KeyTaken(key, solver);
            _keys[key].solver = msg.sender;
            emit KeySet(msg.sender, key, true);
        } else {
            if (solver == address(0) || (msg.sender != solver && msg.sender != key)) revert NotYourKey(key);
            if (solver == key) revert OwnAccount();
            _keys[key].solver = address(0);
            emit KeySet(solver, key, false);
        }
    }

    /// @inheritdoc ISolverRegistry
    function bindFiller(address solver) external {
        if (msg.sender == address(this)) revert ForbiddenFiller(msg.sender);
        if (solver != address(0) && !_isSolver(solver)) revert UnknownSolver(solver);
        solverOfFiller[msg.sender] = solver;
        emit FillerBound(msg.sender, solver);
    }

    /// @inheritdoc ISolverRegistry
    function setPaused(address solver, bool paused) external onlyOwner {
        if (!_isSolver(solver)) revert UnknownSolver(solver);
        _keys[solver].paused = paused;
        emit SolverPauseSet(solver, paused);
    }

    /// @inheritdoc ISolverRegistry
    function authorise(address key, address solver, address filler) external view returns (bytes4 reason) {
        Key storage signer = _keys[key];
        // Zero is what a failed recovery gives, and what an unused slot names as its solver.
        if (key == address(0) || solver == address(0) || signer.solver != solver) return UnknownKey.selector;
        if ((key == solver ? signer : _keys[solver]).paused) return SolverPaused.selector;
        if (solverOfFiller[filler] != solver) return FillerNotBound.selector;
    }

    /// @inheritdoc ISolverRegistry
    function solverOfKey(address key) external view returns (address solver) {
        return _keys[key].solver;
    }

    /// @inheritdoc ISolverRegistry
    function isPaused(address solver) external view returns (bool paused) {
        return _keys[solver].paused;
    }

    function _isSolver(address account) private view returns (bool) {
        return account != address(0) && _keys[account].solver == account;
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {ISolvers} from "./interfaces/ISolvers.sol";

/// @title Solvers
/// @notice Self-service: anybody may register. Trust comes from bonds and standing, not from a list.
abstract contract Solvers is ISolvers, Ownable {
    /// @dev One slot holds all that a bid of a solver needs to know, its first filler included: one that
    /// is signed by the account itself and filled by that filler reads and charges this slot alone.
    /// `link` is a solver's first filler, and of an account that is none, the solver it signs for.
    struct Account {
        address link;
        uint8 status;
        uint88 gas;
    }

    uint8 private constant SOLVER = 1;
    uint8 private constant PAUSED = 2;

    mapping(address account => Account) internal _accounts;

    /// @inheritdoc ISolvers
    mapping(address filler => address solver) public solverOfFiller;

    /// @dev When a key last ceased to sign for a solver, Unix seconds. One for each solver, so that nobody
    /// can erase it by naming the key in turn.
    mapping(address solver => mapping(address key => uint256 time)) private _removedAt;

    /// @inheritdoc ISolvers
    function register() external {
        address former = solverOfKey(msg.sender);
        if (former == msg.sender) revert AlreadyRegistered(msg.sender);
        if (former != address(0)) _removeKey(former, msg.sender);
        _accounts[msg.sender] = Account(address(0), SOLVER, 0);
        emit SolverRegistered(msg.sender);
        emit KeySet(msg.sender, msg.sender, true);
    }

    /// @inheritdoc ISolvers
    function setKey(address key, bool enabled) external {
        address solver = solverOfKey(key);
        if (enabled) {
            _onlySolver(msg.sender);
            if (key == address(0)) revert NotYourKey(key);
            if (solver != address(0)) revert KeyTaken(key, solver);
            _accounts[key].link = msg.sender;
            emit KeySet(msg.sender, key, true);
        } else {
            if (solver == address(0) || (msg.sender != solver && msg.sender != key)) revert NotYourKey(key);
            if (solver == key) revert OwnAccount();
            _accounts[key].link = address(0);
            _removeKey(solver, key);
        }
    }

    /// @inheritdoc ISolvers
    function bindFiller(address solver) external {
        address former = solverOfFiller[msg.sender];
        if (former != address(0) && _accounts[former].link == msg.sender) _accounts[former].link = address(0);
        if (solver != address(0)) {
            _onlySolver(solver);
            if (_accounts[solver].link == address(0)) _accounts[solver].link = msg.sender;
        }
        solverOfFiller[msg.sender] = solver;
        emit FillerBound(msg.sender, solver);
    }

    /// @inheritdoc ISolvers
    function setPaused(address solver, bool paused) external onlyOwner {
        _onlySolver(solver);
        _accounts[solver].status = paused ? SOLVER | PAUSED : SOLVER;
        emit SolverPauseSet(solver, paused);
    }

    /// @inheritdoc ISolvers
    function authorise(address key, address solver, address filler) external view returns (bytes4 reason) {
        return _authorise(_accounts[solver], key, solver, filler);
    }

    /// @inheritdoc ISolvers
    function solverOfKey(address key) public view returns (address solver) {
        Account storage account = _accounts[key];
        return account.status & SOLVER != 0 ? key : account.link;
    }

    /// @inheritdoc ISolvers
    function isPaused(address solver) external view returns (bool paused) {
        return _accounts[solver].status & PAUSED != 0;
    }

    function _authorise(Account memory account, address key, address solver, address filler)
        internal
        view
        returns (bytes4 reason)
    {
        // A key of zero, which is what a failed recovery gives, signs for nobody.
        if (account.status & SOLVER == 0) return UnknownKey.selector;
        if (key != solver && solverOfKey(key) != solver) {
            // As below.
            // slither-disable-next-line timestamp
            bool answers = account.status & PAUSED == 0 && _signedLately(solver, key);
            return answers ? KeyRemoved.selector : UnknownKey.selector;
        }
        if (account.status & PAUSED != 0) return SolverPaused.selector;
        bool first = filler == account.link && filler != address(0);
        if (!first && solverOfFiller[filler] != solver) return FillerNotBound.selector;
    }

    /// @dev For how long a solver answers for what a removed key has signed, seconds.
    function _answersFor() internal view virtual returns (uint256);

    function _removeKey(address solver, address key) private {
        _removedAt[solver][key] = block.timestamp;
        emit KeySet(solver, key, false);
    }

    function _signedLately(address solver, address key) private view returns (bool) {
        uint256 removedAt = _removedAt[solver][key];
        // The delay is days; a block's author can shift a few seconds.
        // slither-disable-next-line timestamp
        return removedAt != 0 && block.timestamp - removedAt < _answersFor();
    }

    function _onlySolver(address account) internal view {
        if (_accounts[account].status & SOLVER == 0) revert UnknownSolver(account);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Who may bid: solvers, the keys that sign for them and the fillers that pay for them
interface ISolvers {
    /// @notice The account is a solver already.
    error AlreadyRegistered(address solver);
    /// @notice The account is not a solver.
    error UnknownSolver(address solver);
    /// @notice The key signs for another solver, or is a solver itself.
    error KeyTaken(address key, address solver);
    /// @notice The key does not sign for the caller, and the caller is not that key.
    error NotYourKey(address key);
    /// @notice A solver's own account always signs for it.
    error OwnAccount();
    /// @notice Reason of a failed bid: the recovered key does not sign for the named solver.
    error UnknownKey();
    /// @notice Reason of a failed bid, solver's fault: the recovered key signed for the named solver until less than the
    /// withdrawal delay ago.
    error KeyRemoved();
    /// @notice Reason of a failed bid: the solver is paused.
    error SolverPaused();
    /// @notice Reason of a failed bid, solver's fault: the filler that it signed for is not bound to it, or not any more.
    error FillerNotBound();

    /// @notice An account became a solver.
    event SolverRegistered(address indexed solver);
    /// @notice A key began (`enabled`) or ceased to sign for a solver.
    event KeySet(address indexed solver, address indexed key, bool enabled);
    /// @notice A filler bound itself to a solver; zero unbinds.
    event FillerBound(address indexed filler, address indexed solver);
    /// @notice The operator paused a solver or let it bid again.
    event SolverPauseSet(address indexed solver, bool paused);

    /// @notice Makes the caller a solver whose account is its own first key. If another solver had
    /// named the caller as a key, that ends: only the account itself can prove that it is its own.
    function register() external;

    /// @notice Names or removes a key that signs bids for the calling solver. A key may also remove
    /// itself, so that nobody can hold an account that is not theirs. For bids that the key signed the solver
    /// answers for the withdrawal delay more: they fail by its fault.
    function setKey(address key, bool enabled) external;

    /// @notice Binds the calling contract to `solver` as its filler, or unbinds it (zero). Because
    /// the filler must call, no bid can draw on a contract that never agreed to it.
    function bindFiller(address solver) external;

    /// @notice Stops a solver's bids from settling, or lets them again. Its money is not held back.
    /// Only the owner.
    function setPaused(address solver, bool paused) external;

    /// @notice Whether `key` signs for `solver`, the solver is not paused and `filler` is bound to it.
    /// @return reason Zero if so, else the selector of the first error that applies.
    function authorise(address key, address solver, address filler) external view returns (bytes4 reason);

    /// @notice The solver that `key` signs for; zero if none.
    function solverOfKey(address key) external view returns (address solver);

    /// @notice The solver that `filler` is bound to; zero if none.
    function solverOfFiller(address filler) external view returns (address solver);

    /// @notice Whether the solver is paused.
    function isPaused(address solver) external view returns (bool paused);
}

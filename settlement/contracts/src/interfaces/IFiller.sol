// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title The contract that stands for a solver's inventory in a bid
/// @notice A filler receives the legs that intents pay to it and pays the legs that go from it to
/// intents. It has approved Settlement for the tokens it pays and has bound itself to one solver
/// in Settlement.
interface IFiller {
    /// @notice Called after the intents have paid and before the filler pays, if the bid has
    /// callback gas. By its end the filler must hold, and have approved, what its legs pay.
    /// @dev Only Settlement may be let in. Reverting fails the bid at the solver's expense.
    /// @param bid The EIP-712 digest of the bid being settled.
    /// @param data The callback bytes whose hash the solver signed.
    function fill(bytes32 bid, bytes calldata data) external;
}

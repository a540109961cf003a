// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title The list of plain tokens
/// @notice A plain token moves exactly what it is told and reverts when it cannot. It need not be measured, and is
/// believed about who is short.
interface IPlainTokens {
    /// @notice A token was put on or taken off the list.
    event PlainTokenSet(address indexed token, bool plain);

    /// @notice Says whether a token can be trusted to move exactly what it is told. Only the owner.
    function setPlainToken(address token, bool plain) external;

    /// @notice Whether a token is on the plain list.
    function isPlainToken(address token) external view returns (bool plain);
}

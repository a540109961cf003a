// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title What stops an intent from being filled more than once
interface INonces {
    /// @notice Reason of a failed bid: the nonce of an intent is used or was invalidated.
    error NonceUsed(bytes32 intent);
    /// @notice Reason of a failed bid: a partially fillable intent occurs in it twice.
    error DuplicateIntent(bytes32 intent);
    /// @notice Reason of a failed bid: the fill exceeds what is left of an intent.
    error Overfilled(bytes32 intent);
    /// @notice Reason of a failed bid: the intent is not partially fillable, and this fill is partial.
    error InexactFill(bytes32 intent);

    /// @notice An owner invalidated the nonces in `mask` of the bitmap's `word`.
    event NoncesInvalidated(address indexed owner, uint256 word, uint256 mask);

    /// @notice Uses up nonces of the caller: nonce n is bit n & 255 of word n >> 8.
    function invalidateNonces(uint256 word, uint256 mask) external;

    /// @notice A word of the bitmap of an owner's used nonces.
    function nonces(address owner, uint256 word) external view returns (uint256 bits);

    /// @notice How much of a partially fillable intent is filled: sold if exact-in, bought if exact-out.
    function filled(bytes32 intent) external view returns (uint256 amount);
}

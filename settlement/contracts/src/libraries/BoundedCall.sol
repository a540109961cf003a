// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Calls that cost no more than they were given
/// @notice Solidity copies all that a callee returns, at the caller's expense; these copy one word
/// or nothing.
library BoundedCall {
    /// @dev Enough for any token's view, a proxy's included.
    uint256 internal constant VIEW_GAS = 100_000;

    /// @dev The first word that a view returns. Not `ok` if it reverts or returns less.
    function view_(address target, uint256 gasCap, bytes memory data) internal view returns (bool ok, uint256 word) {
        assembly ("memory-safe") {
            ok := staticcall(gasCap, target, add(data, 0x20), mload(data), 0x00, 0x20)
            ok := and(ok, gt(returndatasize(), 0x1f))
            word := mul(ok, mload(0x00))
        }
    }

    function call(address target, uint256 gasCap, bytes memory data) internal returns (bool ok) {
        assembly ("memory-safe") {
            ok := call(gasCap, target, 0, add(data, 0x20), mload(data), 0x00, 0x00)
        }
    }

    /// @dev Opens a frame of this contract with the call at `start`. If it reverts, `reason` is the
    /// first word of what it says: the selector of its error and the upper 224 bits of the error's first argument,
    /// with zeros in the place of what there is not.
    function frame(uint256 gasCap, uint256 start, uint256 end) internal returns (bool ok, bytes32 reason) {
        assembly ("memory-safe") {
            mstore(0x00, 0)
            ok := call(gasCap, address(), 0, start, sub(end, start), 0x00, 0x20)
            reason := mul(iszero(ok), mload(0x00))
        }
    }

    /// @dev What a call from here can be given at most (EIP-150), when `reserve` is spent before it.
    function available(uint256 reserve) internal view returns (uint256 gas_) {
        uint256 left = gasleft();
        if (left <= reserve) return 0;
        unchecked {
            left -= reserve;
            return left - left / 64;
        }
    }
}

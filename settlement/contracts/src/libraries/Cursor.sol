// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";

/// @title Reading packed integers from calldata
/// @notice A position only ever grows, and reading past the calldata gives zeros. So nobody needs to
/// look at the end of the batch before the batch is read: whoever ran past it does not stop at it.
library Cursor {
    /// @dev The `width` bytes at a position, as an integer.
    function take(uint256 at, uint256 width) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), calldataload(at))
        }
    }

    function word(uint256 at) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(at)
        }
    }

    function addr(uint256 at) internal pure returns (address value) {
        return address(uint160(take(at, 20)));
    }

    /// @dev A length byte and that many bytes, the first of them not zero.
    function uintAt(uint256 at) internal pure returns (uint256 value, uint256 next) {
        uint256 bad;
        assembly ("memory-safe") {
            let width := byte(0, calldataload(at))
            let bytes_ := calldataload(add(at, 1))
            value := shr(sub(256, shl(3, width)), bytes_)
            next := add(add(at, 1), width)
            bad := or(gt(width, 32), lt(byte(0, bytes_), gt(width, 0)))
        }
        if (bad != 0) revert ISettlement.NotCanonical(at);
    }
}

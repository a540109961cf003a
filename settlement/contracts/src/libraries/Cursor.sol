// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";

/// @title Reading packed integers from calldata
/// @notice A position only ever grows, and reading past the calldata gives zeros. So nobody needs to
/// look at the end of the batch before the batch is read: whoever ran past it does not stop at it.
library Cursor {
    /// @dev The `width` bytes at a position, as an integer.
    function take(uint256 pos, uint256 width) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), calldataload(pos))
        }
    }

    function word(uint256 pos) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(pos)
        }
    }

    function addr(uint256 pos) internal pure returns (address value) {
        return address(uint160(take(pos, 20)));
    }

    /// @dev A length byte and that many bytes, the first of them not zero.
    function uintAt(uint256 pos) internal pure returns (uint256 value, uint256 next) {
        uint256 bad;
        assembly ("memory-safe") {
            let width := byte(0, calldataload(pos))
            let bytes_ := calldataload(add(pos, 1))
            value := shr(sub(256, shl(3, width)), bytes_)
            next := add(add(pos, 1), width)
            bad := or(gt(width, 32), lt(byte(0, bytes_), gt(width, 0)))
        }
        if (bad != 0) revert ISettlement.NotCanonical(pos);
    }
}

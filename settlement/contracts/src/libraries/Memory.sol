// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Words in memory at positions of the caller's choosing
/// @notice A bid is read once, into the words that are hashed and then handed to its frame. The
/// compiler's own structs and arrays would put each of them in memory three times.
library Memory {
    /// @dev The first free position. What is written from here on is kept by `keep`.
    function free() internal pure returns (uint256 pos) {
        assembly ("memory-safe") {
            pos := mload(0x40)
        }
    }

    function keep(uint256 end) internal pure {
        assembly ("memory-safe") {
            mstore(0x40, end)
        }
    }

    function set(uint256 pos, uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore(pos, value)
        }
    }

    function set(uint256 pos, bytes32 value) internal pure {
        assembly ("memory-safe") {
            mstore(pos, value)
        }
    }

    function set(uint256 pos, address value) internal pure {
        set(pos, uint256(uint160(value)));
    }

    function get(uint256 pos) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(pos)
        }
    }

    function copy(uint256 pos, uint256 from, uint256 length) internal pure {
        assembly ("memory-safe") {
            calldatacopy(pos, from, length)
        }
    }

    function hash(uint256 pos, uint256 length) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            digest := keccak256(pos, length)
        }
    }

    function log(uint256 pos, uint256 length, bytes32 signature, bytes32 topic, address account) internal {
        assembly ("memory-safe") {
            log3(pos, length, signature, topic, account)
        }
    }

    /// @dev keccak256(0x1901 ‖ domain ‖ structHash) in the scratch space. The last two bytes lie in
    /// the free memory pointer, in which they are always zero.
    function typedDigest(bytes32 domain, bytes32 structHash) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            mstore(0x00, hex"1901")
            mstore(0x02, domain)
            mstore(0x22, structHash)
            digest := keccak256(0x00, 0x42)
            mstore(0x22, 0)
        }
    }
}

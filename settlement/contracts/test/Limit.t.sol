// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Limit} from "../src/libraries/Limit.sol";
import {Test} from "./utils/Test.sol";

contract LimitTest is Test {
    /// @dev a·b <= c·d by long multiplication.
    function _reference(uint256 a, uint256 b, uint256 c, uint256 d) private pure returns (bool) {
        (uint256 high, uint256 low) = _product(a, b);
        (uint256 otherHigh, uint256 otherLow) = _product(c, d);
        return high < otherHigh || (high == otherHigh && low <= otherLow);
    }

    /// @dev Long multiplication with 128-bit digits.
    function _product(uint256 a, uint256 b) private pure returns (uint256 high, uint256 low) {
        unchecked {
            uint256 mask = type(uint128).max;
            (uint256 a1, uint256 a0, uint256 b1, uint256 b0) = (a >> 128, a & mask, b >> 128, b & mask);
            uint256 middle = a1 * b0 + (a0 * b0 >> 128);
            uint256 cross = a0 * b1 + (middle & mask);
            low = cross << 128 | (a0 * b0 & mask);
            high = a1 * b1 + (middle >> 128) + (cross >> 128);
        }
    }

    function testFuzz_ItComparesProductsOf512Bits(uint256 a, uint256 b, uint256 c, uint256 d) public pure {
        assertTrue(Limit.holds(a, d, c, b) == _reference(a, b, c, d), "any");
    }

    function testFuzz_ItComparesProductsThatAreNearlyEqual(uint256 a, uint256 b, uint256 shift) public pure {
        shift = shift % 256;
        (a, b) = (a >> shift, b >> (255 - shift));
        assertTrue(Limit.holds(a, b, a, b), "equal");
        assertTrue(Limit.holds(a, a, b, b) == _reference(a, b, b, a), "the same product");
        if (a != 0 && b != 0) {
            assertTrue(Limit.holds(a - 1, b, a, b), "less");
            assertTrue(a == type(uint256).max || !Limit.holds(a + 1, b, a, b), "more");
        }
    }

    function test_ItHoldsAtTheLargestNumbers() public pure {
        uint256 max = type(uint256).max;
        assertTrue(Limit.holds(max, max, max, max), "equal");
        assertTrue(!Limit.holds(max, max - 1, max, max), "one too little is bought");
        assertTrue(Limit.holds(max, 1, max, 0), "no limit");
    }
}

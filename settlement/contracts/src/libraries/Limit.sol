// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title An intent's limit price
library Limit {
    /// @dev sold / bought <= sellAmount / buyAmount, as products of 512 bits.
    function holds(uint256 sold, uint256 bought, uint256 sellAmount, uint256 buyAmount) internal pure returns (bool) {
        unchecked {
            if ((sold | bought | sellAmount | buyAmount) < 1 << 128) {
                return sold * buyAmount <= sellAmount * bought;
            }
            (uint256 paidHigh, uint256 paidLow) = _mul(sold, buyAmount);
            (uint256 capHigh, uint256 capLow) = _mul(sellAmount, bought);
            return paidHigh < capHigh || (paidHigh == capHigh && paidLow <= capLow);
        }
    }

    /// @dev The product modulo 2^256 - 1 and modulo 2^256 determine it.
    function _mul(uint256 a, uint256 b) private pure returns (uint256 high, uint256 low) {
        unchecked {
            low = a * b;
            uint256 mod = mulmod(a, b, type(uint256).max);
            high = mod - low;
            if (mod < low) --high;
        }
    }
}

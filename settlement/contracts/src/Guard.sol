// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "solady/utils/ReentrancyGuardTransient.sol";

/// @title Guard
/// @notice One lock for all that moves tokens or money: whoever is called by one function can enter none.
abstract contract Guard is ReentrancyGuardTransient {
    /// @dev Transient storage on every chain, not on mainnet only.
    function _useTransientReentrancyGuardOnlyOnMainnet() internal pure override returns (bool) {
        return false;
    }
}

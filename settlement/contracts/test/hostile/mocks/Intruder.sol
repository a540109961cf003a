// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev A function of a contract with arguments for it, and the error with which it must refuse.
struct Door {
    bytes call;
    bytes4 refusal;
}

/// @dev Tries doors from wherever its code runs: as a filler, a token, an owner, or an account that
/// has delegated to it.
contract Intruder {
    /// @dev A door opened, or refused for another reason than the one expected.
    error Opened(uint256 door, bool ok, bytes4 refusal);

    /// @dev Each attempt has enough gas for any door, and can burn no more if it is a static call.
    uint256 private constant GAS = 10_000;

    /// @dev Reverts unless every door refuses as it must.
    function knock(address target, Door[] memory doors) public returns (uint256 tried) {
        for (; tried < doors.length; ++tried) {
            (bool ok, bytes memory answer) = target.call{gas: GAS}(doors[tried].call);
            bytes4 refusal = bytes4(answer);
            if (ok || refusal != doors[tried].refusal) revert Opened(tried, ok, refusal);
        }
    }
}

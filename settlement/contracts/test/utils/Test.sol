// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Settlement} from "../../src/Settlement.sol";
import {Vm} from "./Vm.sol";

/// @dev What every test contract starts from.
abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function assertEq(uint256 left, uint256 right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertEq(bytes32 left, bytes32 right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertEq(address left, address right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertEq(bytes memory left, bytes memory right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertTrue(bool condition, string memory what) internal pure {
        vm.assertTrue(condition, what);
    }

    /// @dev Deployed by its name: with `new` every test contract would have the whole of it compiled in.
    function _deploySettlement(address owner, uint32 maxDelay, uint32 withdrawalDelay, uint64 maxTip)
        internal
        returns (Settlement)
    {
        bytes memory arguments = abi.encode(owner, maxDelay, withdrawalDelay, maxTip);
        return Settlement(vm.deployCode(_artifact(), arguments));
    }

    /// @dev What is tested is what is deployed. Only coverage is of the sources as it compiles them.
    function _artifact() private view returns (string memory) {
        return vm.envOr("SETTLEMENT_ARTIFACT", string("artifacts/Settlement.json"));
    }

    /// @dev A value of [low, high] that depends on `seed`; unlike assume it discards no run.
    function bound(uint256 seed, uint256 low, uint256 high) internal pure returns (uint256) {
        uint256 size = high - low + 1;
        return size == 0 ? seed : low + seed % size;
    }
}

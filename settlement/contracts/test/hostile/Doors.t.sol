// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Doors} from "./Doors.sol";

contract DoorsTest is Doors {
    /// @dev Else a new function would not be tried by anybody.
    function test_TheListOfDoorsIsThatOfTheABI() public view {
        string memory json = vm.readFile("artifacts/Settlement.json");
        uint256 count = 0;
        for (uint256 i = 0; vm.keyExistsJson(json, _path(i, "type")); ++i) {
            if (!_isFunction(json, i)) continue;
            string memory mutability = vm.parseJsonString(json, _path(i, "stateMutability"));
            if (_same(mutability, "view") || _same(mutability, "pure")) continue;
            string memory name = vm.parseJsonString(json, _path(i, "name"));
            assertTrue(_isListed(name), name);
            ++count;
        }
        assertEq(count, doorNames.length, "nothing is listed twice or in vain");
    }

    function _path(uint256 i, string memory key) private pure returns (string memory) {
        return string.concat(".abi[", vm.toString(i), "].", key);
    }

    function _isFunction(string memory json, uint256 i) private pure returns (bool) {
        return _same(vm.parseJsonString(json, _path(i, "type")), "function");
    }

    function _isListed(string memory name) private view returns (bool) {
        for (uint256 i = 0; i < doorNames.length; ++i) {
            if (_same(doorNames[i], name)) return true;
        }
        return false;
    }

    function _same(string memory left, string memory right) private pure returns (bool) {
        return keccak256(bytes(left)) == keccak256(bytes(right));
    }
}

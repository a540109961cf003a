// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {InventoryFiller} from "../src/InventoryFiller.sol";
import {IBidFrame} from "../src/interfaces/IBidFrame.sol";
import {BidData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

/// @dev What a swap costs, in whole transactions: commit and reveal, each with its 21,000 and its
/// calldata, divided by the number of intents. Nonce words of users are fresh, users hold both
/// tokens already. forge runs each call of a test as a transaction of its own.
/// forge-config: default.isolate = true
contract GasTest is SettlementTest {
    function test_GasOfMatchedUsers() public {
        _warmUp();
        _measure("matched-2", _encode(_matchedBid(300, 10, 1)), 2);
        _measure("matched-10", _encode(_matchedBid(301, 20, 5)), 10);
        _measure("matched-50", _encode(_matchedBid(302, 100, 25)), 50);
    }

    function test_GasFromInventory() public {
        _warmUp();
        _measure("inventory-1", _encode(_inventoryBid(300, 10, 1)), 1);
        _measure("inventory-2", _encode(_inventoryBid(301, 20, 2)), 2);
        _measure("inventory-10", _encode(_inventoryBid(302, 40, 10)), 10);
        _measure("inventory-50", _encode(_inventoryBid(303, 100, 50)), 50);
    }

    function test_GasOfTwentyFiveBidsByFiveSolvers() public {
        _warmUp();
        BidData[] memory bids = new BidData[](25);
        for (uint256 s = 0; s < 5; ++s) {
            uint256 key = SOLVER_KEY + 1 + s;
            solver = vm.addr(key);
            vm.prank(solver);
            registry.register();
            filler = _filler(solver);
            for (uint256 i = 0; i < 5; ++i) {
                bids[5 * i + s] = _matchedBid(i, 100 + 10 * s + 2 * i, 1);
                _signBid(bids[5 * i + s], key);
            }
        }
        _measure("isolated-25x2", _encode(bids), 50);
    }

    /// @dev A first batch, so that the lane and the solver's nonce word are in use, as they mostly are.
    function _warmUp() private {
        _settle(_encode(_inventoryBid(299, 0, 2)));
        _skip(1);
    }

    function _measure(string memory name, bytes memory batch, uint256 swaps) private {
        bytes32 commitment = _commitment(batch, settler, LANE, SALT);
        vm.prank(settler);
        settlement.commit(LANE, commitment);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        _skip(1);
        vm.recordLogs();
        vm.prank(settler);
        settlement.reveal(LANE, batch, SALT);
        used += vm.lastCallGas().gasTotalUsed;
        assertEq(_count(IBidFrame.IntentFilled.selector), swaps, "all intents are filled");
        vm.snapshotValue("gas-per-swap", name, used / swaps);
    }
}

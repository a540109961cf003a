// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {BidData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

/// @dev What a swap costs, in whole transactions: commit and reveal, each with its 21,000 and its
/// calldata, divided by the number of intents; and that solvers are charged that and little more. Users
/// hold both tokens already and have nonce words that are fresh or, returning, in use. Bids have a
/// penalty with shares. forge runs each call of a test as a transaction of its own.
/// forge-config: default.isolate = true
contract GasTest is SettlementTest {
    /// @dev Percent of their cost that solvers are charged at most beyond it.
    uint256 private constant MARGIN = 15;
    uint256 private constant CHARGE = 2_800;

    function setUp() public override {
        super.setUp();
        vm.deal(settler, 1_000 ether);
        // A first batch, so that the lane and the solver's nonce word are in use, as they mostly are.
        _settle(_encode(_inventoryBid(299, 0, 2)));
        _skip(1);
    }

    function test_GasOfMatchedUsers() public {
        _measure("matched-2", _matchedBid(300, 10, 1));
        _measure("matched-10", _matchedBid(301, 20, 5));
        BidData memory bid = _matchedBid(302, 100, 25);
        _measure("matched-50", bid);
        _measure("matched-50-returning", _again(bid));
    }

    function test_GasFromInventory() public {
        BidData memory bid = _inventoryBid(300, 10, 1);
        _measure("inventory-1", bid);
        _measure("inventory-1-returning", _again(bid));
        _measure("inventory-2", _inventoryBid(302, 20, 2));
        _measure("inventory-10", _inventoryBid(303, 40, 10));
        bid = _inventoryBid(304, 100, 50);
        _measure("inventory-50", bid);
        _measure("inventory-50-returning", _again(bid));
    }

    function test_GasOfTwentyFiveBidsByFiveSolvers() public {
        BidData[] memory bids = new BidData[](25);
        for (uint256 s = 0; s < 5; ++s) {
            filler = _solver(vm.addr(SOLVER_KEY + 1 + s));
            for (uint256 i = 0; i < 5; ++i) {
                bids[5 * i + s] = _pairOf(s, i);
            }
        }
        _measure("isolated-25x2", _encode(bids), 50, 5);
    }

    /// @dev The i-th bid of the s-th solver: two users with each other.
    function _pairOf(uint256 s, uint256 i) private returns (BidData memory bid) {
        bid = _matchedBid(i, 100 + 10 * s + 2 * i, 1);
        bid.solver = vm.addr(SOLVER_KEY + 1 + s);
        _penalise(bid, SOLVER_KEY + 1 + s);
    }

    /// @dev The same users once more, in nonce words that they have used.
    function _again(BidData memory bid) private view returns (BidData memory) {
        ++bid.nonce;
        for (uint256 i = 0; i < bid.intents.length; ++i) {
            bid.intents[i].nonce ^= 1;
        }
        uint256 first = bid.intents.length == 1 ? 10 : 100;
        _resign(bid, first);
        return bid;
    }

    function _penalise(BidData memory bid, uint256 key) private view {
        bid.penalty = 0.001 ether;
        for (uint256 i = 0; i < bid.intents.length; ++i) {
            bid.intents[i].share = uint16(9_999 / bid.intents.length);
        }
        _signBid(bid, key);
    }

    function _measure(string memory name, BidData memory bid) private {
        _penalise(bid, SOLVER_KEY);
        _measure(name, _encode(bid), bid.intents.length, 1);
        _skip(1);
    }

    /// @dev forge's isolated transactions have no gas price, so nothing is charged in them and the solvers' slots
    /// do not change: CHARGE stands for each of those stores. The gas to be charged is what a simulation says.
    function _measure(string memory name, bytes memory batch, uint256 swaps, uint256 solvers) private {
        uint256 charged = _chargedGas(batch);
        bytes32 commitment = _commitment(batch, settler, LANE, SALT);
        vm.prank(settler);
        settlement.commitTo(LANE, commitment);
        uint256 used = vm.lastCallGas().gasTotalUsed + CHARGE * solvers;
        _skip(1);
        vm.prank(settler);
        settlement.reveal(batch, SALT, LANE);
        used += vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("gas-per-swap", name, used / swaps);
        vm.snapshotValue("charged-per-swap", name, charged / swaps);
        assertTrue(charged >= used, "the operator does not pay");
        assertTrue(charged * 100 <= used * (100 + MARGIN), "and earns next to nothing");
    }

    function _chargedGas(bytes memory batch) private returns (uint256 gas_) {
        (, bytes memory answer) = address(settlement).call(abi.encodeCall(settlement.simulate, (batch)));
        assembly ("memory-safe") {
            mstore(add(answer, 4), sub(mload(answer), 4))
            answer := add(answer, 4)
        }
        ISettlement.BidResult[] memory results = abi.decode(answer, (ISettlement.BidResult[]));
        for (uint256 i = 0; i < results.length; ++i) {
            assertTrue(results[i].settled, "no bid fails");
            gas_ += results[i].gasUsed;
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {INonces} from "../src/interfaces/INonces.sol";
import {BidData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

contract NoncesTest is SettlementTest {
    function testFuzz_AnOwnerInvalidatesItsOwnNoncesOnly(address owner, uint256 word, uint256 mask, uint256 more)
        public
    {
        vm.expectEmit(address(settlement));
        emit INonces.NoncesInvalidated(owner, word, mask);
        vm.prank(owner);
        settlement.invalidateNonces(word, mask);
        vm.prank(owner);
        settlement.invalidateNonces(word, more);
        assertEq(settlement.nonces(owner, word), mask | more, "bits are only ever added");
        assertEq(settlement.nonces(address(uint160(owner) ^ 1), word), 0, "others keep theirs");
    }

    function test_AnIntentWithAnInvalidatedNonceFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        uint256 nonce = bid.intents[0].nonce;
        vm.prank(_user(0));
        settlement.invalidateNonces(nonce >> 8, 1 << (nonce & 0xff));
        _settleBesideGood(bid, 0, INonces.NonceUsed.selector);
    }

    function test_APartlyFilledIntentIsCancelledByItsNonce() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.intents[0].partiallyFillable = true;
        (bid.legs[0].amount, bid.legs[1].amount) = (SELL / 2, BUY / 2);
        _resign(bid, 0);
        _settle(_encode(bid));
        uint256 nonce = bid.intents[0].nonce;
        vm.prank(_user(0));
        settlement.invalidateNonces(nonce >> 8, 1 << (nonce & 0xff));
        bid.nonce = 2;
        _signBid(bid, SOLVER_KEY);
        _skip(1);
        _expectFailed(bid, 0, INonces.NonceUsed.selector);
        _settle(_encode(bid));
        assertEq(settlement.filled(_id(bid, 0)), SELL / 2, "the part before");
    }

    function test_TwoIntentsWithOneNonceExcludeEachOther() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        _settle(_encode(bid));
        BidData memory other = _inventoryBid(2, 0, 1);
        other.intents[0].buyAmount -= 1;
        _resign(other, 0);
        _skip(1);
        _settleBesideGood(other, 0, INonces.NonceUsed.selector);
    }
}

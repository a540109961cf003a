// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {IBidFrame} from "../src/interfaces/IBidFrame.sol";
import {IPlainTokens} from "../src/interfaces/IPlainTokens.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {ISolvers} from "../src/interfaces/ISolvers.sol";
import {InventoryFiller} from "../src/InventoryFiller.sol";
import {BidData} from "./utils/BatchEncoder.sol";
import {Hashing} from "./utils/Hashing.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

/// @dev Who may have a bid settled, and what the bids of a batch owe each other.
contract SettlementContractTest is SettlementTest {
    uint8 internal constant NEUTRAL = 0;
    uint8 internal constant SOLVER = 1;

    function test_TheDomainSeparatorIsThatOfTheFormat() public {
        assertEq(settlement.domainSeparator(), domain, "domain separator");
        vm.chainId(5);
        assertEq(settlement.domainSeparator(), Hashing.domain(5, address(settlement)), "after a fork");
    }

    function test_ABidThatItsSolverDidNotSignFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        _signBid(bid, USER_KEY);
        _settleBesideGood(bid, NEUTRAL, ISolvers.UnknownKey.selector);
        assertEq(settlement.bidNonces(solver, 0), 0, "an unsigned bid uses no nonce");
    }

    function test_ABidWithAHighSSignatureFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        // Half of the curve's order and one more: the smallest s that is too high.
        bid.signature = abi.encodePacked(
            bytes32(uint256(1)), uint256(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1)
        );
        _settleBesideGood(bid, NEUTRAL, ISolvers.UnknownKey.selector);
    }

    function testFuzz_ABidAlteredAfterSigningFails(uint8 field, uint256 change) public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        uint256 up = bound(change, 1, 1e6);
        field = uint8(bound(field, 0, 10));
        if (field == 0) bid.gas += uint32(up);
        if (field == 1) bid.callbackGas += uint32(up);
        if (field == 2) bid.penalty += uint128(up);
        if (field == 3) bid.validUntil += uint32(up);
        if (field == 4) bid.nonce += up;
        if (field == 5) bid.salt = bytes32(up);
        if (field == 6) bid.clientBidId = bytes32(up);
        if (field == 7) bid.legs[1].amount += up;
        if (field == 8) bid.callback = abi.encode(up);
        if (field == 9) bid.filler = address(_filler(solver));
        if (field == 10) bid.intents[0] = _signedIntent(2);
        _settleBesideGood(bid, NEUTRAL, ISolvers.UnknownKey.selector);
    }

    function test_ABidOfAnotherAuctionFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        (bytes32 r, bytes32 vs) = vm.signCompact(SOLVER_KEY, Hashing.bid(domain, 43, bid));
        bid.signature = abi.encodePacked(r, vs);
        _settleBesideGood(bid, NEUTRAL, ISolvers.UnknownKey.selector);
    }

    function test_ASolverBidsWithAKeyThatItNamed() public {
        vm.prank(solver);
        settlement.setKey(_user(77), true);
        BidData memory bid = _matchedBid(1, 0, 1);
        _signBid(bid, _userKey(77));
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_ABidOfNobodyFails() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        (bid.solver, bid.filler) = (address(0), address(new InventoryFiller(solver, settlement)));
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, ISolvers.UnknownKey.selector);
        (bid.signature, bid.nonce) = (new bytes(64), 2);
        _skip(1);
        _expectFailed(bid, NEUTRAL, ISolvers.UnknownKey.selector);
        _settle(_encode(bid));
    }

    function test_ABidOfAPausedSolverFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        vm.prank(admin);
        settlement.setPaused(solver, true);
        _expectFailed(bid, NEUTRAL, ISolvers.SolverPaused.selector);
        _settle(_encode(bid));
    }

    function test_ABidWithAFillerOfAnotherSolverFails() public {
        address victim = _user(50);
        vm.prank(victim);
        settlement.register();
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.filler = address(_filler(victim));
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, SOLVER, ISolvers.FillerNotBound.selector);
        assertEq(tokenB.balanceOf(bid.filler), 1e30, "the inventory is untouched");
    }

    function test_AUserWithAnApprovalCannotBeNamedAsFiller() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.filler = _user(3);
        _fund(bid.filler);
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, SOLVER, ISolvers.FillerNotBound.selector);
    }

    function test_TokensAndSettlementCannotBeFillers() public {
        address[2] memory forbidden = [address(tokenA), address(settlement)];
        for (uint256 i = 0; i < 2; ++i) {
            // Even if it could bind itself.
            vm.prank(forbidden[i]);
            settlement.bindFiller(solver);
            BidData memory bid = _inventoryBid(1 + i, 10 * i, 1);
            bid.filler = forbidden[i];
            _signBid(bid, SOLVER_KEY);
            _expectFailed(bid, NEUTRAL, IBidFrame.ForbiddenFiller.selector);
            _settle(_encode(bid));
            _skip(1);
        }
    }

    function test_ABidPastItsTimeFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bid.validUntil = uint32(block.timestamp - 1);
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BidExpired.selector);
        bid = _matchedBid(2, 0, 1);
        bid.validUntil = uint32(block.timestamp);
        _signBid(bid, SOLVER_KEY);
        _skip(1);
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_ABidIsAttemptedOnceIfItSettles() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        _settle(_encode(bid));
        _skip(1);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BidNonceUsed.selector);
    }

    function test_ABidIsAttemptedOnceIfItFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        vm.prank(_user(0));
        tokenA.approve(address(settlement), 0);
        _expectFailed(bid, 2, IBidFrame.OwnerShort.selector);
        _settle(_encode(bid));
        _fund(_user(0));
        _skip(1);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BidNonceUsed.selector);
    }

    function test_ABidIsAttemptedOnceInABatch() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        _expectSettled(bid);
        _expectFailed(bid, NEUTRAL, IBidFrame.BidNonceUsed.selector);
        _settle(_encode(_list(bid, bid)));
    }

    function test_ABidThatNeedsMoreThanItsGasFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bid.gas = uint32(settlement.gasOverhead(2, 2, 0) + 60_000);
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BidOutOfGas.selector);
    }

    function test_ARevealWithTooLittleGasForABidSettlesNothing() public {
        BidData memory one = _matchedBid(1, 0, 1);
        BidData memory two = _matchedBid(2, 2, 1);
        two.gas = 3_000_000;
        _signBid(two, SOLVER_KEY);
        bytes memory batch = _encode(_list(one, two));
        bytes32 commitment = _commit(batch);
        _skip(1);
        vm.prank(settler);
        (bool ok, bytes memory answer) =
            address(settlement).call{gas: 3_000_000}(abi.encodeCall(settlement.reveal, (batch, SALT, LANE)));
        assertTrue(!ok && bytes4(answer) == ISettlement.InsufficientGas.selector, "refused with a typed error");
        assertEq(tokenA.balanceOf(_user(0)), 1_000e18, "nothing moved");
        assertEq(settlement.lanes(settler, LANE) >> 32, commitment >> 32, "the commitment is still there");
        _expectSettled(one);
        _expectSettled(two);
        _reveal(batch);
    }

    function testFuzz_NoGasLimitOfTheRevealMakesABidFail(uint256 gasLimit) public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bytes memory batch = _encode(bid);
        _commit(batch);
        _skip(1);
        gasLimit = bound(gasLimit, 30_000, 800_000);
        vm.recordLogs();
        vm.prank(settler);
        (bool ok,) = address(settlement).call{gas: gasLimit}(abi.encodeCall(settlement.reveal, (batch, SALT, LANE)));
        assertEq(_count(ISettlement.BidSettled.selector), ok ? 1 : 0, "settled, or all of it reverted");
    }

    function test_ASimulationSaysHowEachBidWouldEnd() public {
        BidData memory bad = _matchedBid(2, 2, 1);
        vm.prank(_user(2));
        tokenA.approve(address(settlement), 0);
        BidData memory good = _matchedBid(1, 0, 1);
        ISettlement.BidResult[] memory results = _simulate(_encode(_list(bad, good)));
        assertEq(results.length, 2, "one result a bid");
        assertEq(results[0].bid, _digest(bad), "bid");
        assertTrue(!results[0].settled, "the bad one fails");
        assertEq(results[0].fault, 2, "by its owner's fault");
        assertEq(results[0].reason, _reason(IBidFrame.OwnerShort.selector, _id(bad, 0)), "reason");
        assertEq(results[1].bid, _digest(good), "bid");
        assertTrue(results[1].settled, "the good one settles");
        assertEq(results[1].reason, bytes32(0), "no reason");
        assertTrue(results[1].gasUsed > 50_000 && results[1].gasUsed < 400_000, "gas used");
        assertEq(tokenA.balanceOf(_user(0)), 1_000e18, "a simulation moves nothing");
        assertEq(settlement.bidNonces(solver, 0), 0, "a simulation uses no nonce");
        _expectFailed(bad, 2, IBidFrame.OwnerShort.selector);
        _expectSettled(good);
        _settle(_encode(_list(bad, good)));
    }

    function test_OnlyTheOwnerListsPlainTokens() public {
        vm.expectRevert(Ownable.Unauthorized.selector);
        settlement.setPlainToken(address(tokenA), true);
        vm.expectEmit(address(settlement));
        emit IPlainTokens.PlainTokenSet(address(tokenA), false);
        vm.prank(admin);
        settlement.setPlainToken(address(tokenA), false);
        assertTrue(!settlement.isPlainToken(address(tokenA)), "unlisted");
    }

    function _simulate(bytes memory batch) private returns (ISettlement.BidResult[] memory) {
        (bool ok, bytes memory answer) = address(settlement).call(abi.encodeCall(settlement.simulate, (batch)));
        assertTrue(!ok && bytes4(answer) == ISettlement.SimulationResult.selector, "a simulation reverts");
        bytes memory body = new bytes(answer.length - 4);
        for (uint256 i = 0; i < body.length; ++i) {
            body[i] = answer[i + 4];
        }
        return abi.decode(body, (ISettlement.BidResult[]));
    }
}

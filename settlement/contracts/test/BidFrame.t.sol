// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../src/interfaces/IBidFrame.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {INonces} from "../src/interfaces/INonces.sol";
import {MockToken} from "../src/dev/MockToken.sol";
import {ContractOwner} from "./mocks/ContractOwner.sol";
import {BidData, IntentData, LegData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

/// @dev What a bid may do with the intents in it.
contract BidFrameTest is SettlementTest {
    uint8 internal constant NEUTRAL = 0;

    function test_TwoMatchedUsersSwapWithTwoTransfers() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        _expectSettled(bid);
        _expectFilled(_id(bid, 0), SELL, SELL);
        _expectFilled(_id(bid, 1), SELL, SELL);
        _settle(_encode(bid));
        assertEq(tokenA.balanceOf(_user(0)), 1_000e18 - SELL, "sold");
        assertEq(tokenB.balanceOf(_user(0)), 1_000e18 + SELL, "bought");
        assertEq(tokenB.balanceOf(_user(1)), 1_000e18 - SELL, "sold");
        assertEq(tokenA.balanceOf(_user(1)), 1_000e18 + SELL, "bought");
        assertTrue(_used(_user(0), bid.intents[0].nonce), "the nonce is used");
    }

    function test_TheInventoryFillsAUser() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertEq(tokenA.balanceOf(address(filler)), 1e30 + SELL, "the filler received");
        assertEq(tokenB.balanceOf(_user(0)), 1_000e18 + BUY, "the filler paid");
    }

    function test_TheReceiverGetsWhatIsBought() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bid.intents[0].receiver = address(0xbeef);
        bid.intents[0].appData = keccak256("app");
        _resign(bid, 0);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertEq(tokenB.balanceOf(address(0xbeef)), SELL, "the receiver's");
        assertEq(tokenB.balanceOf(_user(0)), 1_000e18, "the owner's");
    }

    function test_AnExpiredIntentFailsItsBidOnly() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bid.intents[1].validTo = uint32(block.timestamp - 1);
        _resign(bid, 0);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.IntentExpired.selector);
    }

    function test_AnIntentIsValidInItsLastSecond() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bid.intents[1].validTo = uint32(block.timestamp);
        _resign(bid, 0);
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_AnotherAccountsSignatureFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        _sign(bid.intents[0], _userKey(5));
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BadSignature.selector);
        assertTrue(!_used(_user(0), bid.intents[0].nonce), "a failed bid uses no nonce");
    }

    function test_AnIntentWithoutAnOwnerIsNobodys() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bid.intents[0].owner = address(0);
        bid.intents[0].signature = new bytes(64);
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BadSignature.selector);
    }

    function test_ASignatureWithHighSFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        (bytes32 r, bytes32 vs) = vm.signCompact(_userKey(0), _id(bid, 0));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes32 high = bytes32(order - (uint256(vs) << 1 >> 1));
        uint8 v = 27 + (1 - uint8(uint256(vs) >> 255));
        bid.intents[0].form1 = true;
        bid.intents[0].signature = abi.encodePacked(r, high, v);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BadSignature.selector);
    }

    function testFuzz_ASignatureOfAnotherIntentFails(uint8 field, uint256 change) public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        IntentData memory intent = bid.intents[0];
        field = uint8(bound(field, 0, 5));
        uint256 up = bound(change, 1, 1e9);
        if (field == 0) (intent.buyAmount, intent.receiver) = (intent.buyAmount, address(uint160(up)));
        if (field == 1) intent.nonce += up;
        if (field == 2) intent.validTo += uint32(up);
        if (field == 3) intent.appData = bytes32(up);
        if (field == 4) intent.partiallyFillable = true;
        if (field == 5) intent.buyAmount -= up;
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BadSignature.selector);
    }

    function test_ASignatureOf65BytesSettles() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_userKey(0), _id(bid, 0));
        bid.intents[0].form1 = true;
        bid.intents[0].signature = abi.encodePacked(r, s, v);
        bid.intents[1].form1 = true;
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_ADelegatedAccountSignsWithItsKey() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        ContractOwner implementation = new ContractOwner();
        vm.etch(_user(0), abi.encodePacked(hex"ef0100", address(implementation)));
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_AContractOwnersSignatureIsAsked() public {
        (BidData memory bid, ContractOwner owner) = _contractOwnersBid();
        _expectSettled(bid);
        _settle(_encode(bid));
        assertEq(tokenB.balanceOf(address(owner)), 1_000e18 + BUY, "bought");
    }

    function testFuzz_AContractOwnerThatDoesNotAcceptFailsItsBidOnly(uint8 mode) public {
        (BidData memory bid, ContractOwner owner) = _contractOwnersBid();
        ContractOwner.Mode[4] memory modes = [
            ContractOwner.Mode.Refuses,
            ContractOwner.Mode.Reverts,
            ContractOwner.Mode.BurnsGas,
            ContractOwner.Mode.ReturnsLittle
        ];
        owner.behave(modes[mode % 4]);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BadSignature.selector);
    }

    function test_AContractOwnerCannotMakeItsAnswerCostly() public {
        (BidData memory bid, ContractOwner owner) = _contractOwnersBid();
        owner.behave(ContractOwner.Mode.ReturnsMegabyte);
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_AnAccountWithoutCodeNeedsItsOwnSignature() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.intents[0].form1 = true;
        bid.intents[0].signature = "anything";
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.BadSignature.selector);
    }

    function test_AFillBelowTheLimitFails() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.legs[1].amount = BUY - 1;
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.LimitBroken.selector);
    }

    function test_AnExactInFillThatIsNotExactFails() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.legs[0].amount = SELL - 1;
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, INonces.InexactFill.selector);
    }

    function test_AnExactOutFillPaysLessThanTheLimit() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.intents[0].kind = 1;
        bid.legs[0].amount = SELL - 7;
        _resign(bid, 0);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertEq(tokenA.balanceOf(_user(0)), 1_000e18 - SELL + 7, "sold");
    }

    function test_AnExactOutFillThatIsNotExactFails() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.intents[0].kind = 1;
        bid.legs[1].amount = BUY + 1;
        _resign(bid, 0);
        _settleBesideGood(bid, NEUTRAL, INonces.InexactFill.selector);
    }

    function test_AFillWithoutALegToItFails() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.legs = new LegData[](1);
        bid.legs[0] = LegData(0, FILLER, SELL);
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.EmptyFill.selector);
    }

    function test_AFillWithoutALegFromItFails() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.legs = new LegData[](1);
        bid.legs[0] = LegData(FILLER, 0, BUY);
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.EmptyFill.selector);
    }

    function test_LegsJoinOnlyIntentsOfTheSameToken() public {
        BidData memory bid = _matchedBid(1, 0, 2);
        bid.legs[0].to = 2;
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.LegMismatch.selector);
    }

    function test_ALegDoesNotJoinAnIntentWithItself() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.intents[0].buyToken = bid.intents[0].sellToken;
        _resign(bid, 0);
        bid.legs = new LegData[](1);
        bid.legs[0] = LegData(0, 0, SELL);
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.LegMismatch.selector);
    }

    /// @dev Without its upper bits it would be the fill that the owner signed.
    function test_ALegThatDoesNotFitAFillFails() public {
        _settleLegs(LegData(0, FILLER, 2 ** 128 + SELL), LegData(FILLER, 0, BUY), LegData(FILLER, 0, 1), false);
    }

    function test_LegsFromAnIntentThatAddUpToTooMuchFail() public {
        _settleLegs(LegData(0, FILLER, 2 ** 127), LegData(0, FILLER, 2 ** 127), LegData(FILLER, 0, BUY), false);
    }

    /// @dev The carry would be sold.
    function test_LegsToAnIntentThatAddUpToTooMuchFail() public {
        _settleLegs(LegData(0, FILLER, SELL), LegData(FILLER, 0, 2 ** 127), LegData(FILLER, 0, 2 ** 127), false);
    }

    function test_TheLargestFillSettles() public {
        tokenB.mint(address(filler), 2 ** 128);
        _settleLegs(LegData(0, FILLER, SELL), LegData(FILLER, 0, 2 ** 128 - 2), LegData(FILLER, 0, 1), true);
    }

    /// @dev One intent from inventory by three legs.
    function _settleLegs(LegData memory a, LegData memory b, LegData memory c, bool settles) private {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.legs = new LegData[](3);
        (bid.legs[0], bid.legs[1], bid.legs[2]) = (a, b, c);
        _signBid(bid, SOLVER_KEY);
        if (!settles) return _settleBesideGood(bid, NEUTRAL, IBidFrame.LegMismatch.selector);
        _expectSettled(bid);
        _expectFilled(_id(bid, 0), SELL, 2 ** 128 - 1);
        _settle(_encode(bid));
    }

    /// @dev The solver has signed nothing about it and would be billed for it.
    function test_ABatchWithAnIntentThatNoLegTouchesIsRefused() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        BidData memory padded = _inventoryBid(1, 0, 2);
        padded.legs = bid.legs;
        _signBid(padded, SOLVER_KEY);
        bytes memory batch = _encode(padded);
        _commit(batch);
        _skip(1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.UntouchedIntent.selector, _id(padded, 1)));
        _reveal(batch);
    }

    function test_LegsAddUpToAFill() public {
        BidData memory bid = _emptyBid(1);
        bid.intents = new IntentData[](3);
        for (uint256 i = 0; i < 3; ++i) {
            bid.intents[i] = _intent(i);
        }
        (bid.intents[1].sellAmount, bid.intents[1].buyAmount) = (60e18, 50e18);
        bid.legs = new LegData[](6);
        bid.legs[0] = LegData(0, 1, 60e18);
        bid.legs[1] = LegData(1, 0, 60e18);
        bid.legs[2] = LegData(0, FILLER, 40e18);
        bid.legs[3] = LegData(FILLER, 0, 39e18);
        bid.legs[4] = LegData(2, FILLER, SELL);
        bid.legs[5] = LegData(FILLER, 2, BUY);
        _resign(bid, 0);
        _expectSettled(bid);
        _expectFilled(_id(bid, 0), SELL, 99e18);
        _expectFilled(_id(bid, 1), 60e18, 60e18);
        _expectFilled(_id(bid, 2), SELL, BUY);
        _settle(_encode(bid));
    }

    function test_ABidNonceOfAnIntentIsUsedOnce() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        _settle(_encode(bid));
        BidData memory again = _inventoryBid(2, 0, 1);
        _settleBesideGood(again, NEUTRAL, INonces.NonceUsed.selector);
    }

    function test_AnIntentOccursOnlyOnceInABid() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        _settleBesideGood(_doubled(bid), NEUTRAL, INonces.NonceUsed.selector);
    }

    function test_APartiallyFillableIntentOccursOnlyOnceInABid() public {
        BidData memory bid = _partialBid(1, 30e18, 27e18);
        _settleBesideGood(_doubled(bid), NEUTRAL, INonces.DuplicateIntent.selector);
    }

    function test_APartiallyFillableIntentIsFilledInPartsUpToItsAmount() public {
        BidData memory bid = _partialBid(1, 30e18, 27e18);
        bytes32 id = _id(bid, 0);
        _settle(_encode(bid));
        assertEq(settlement.filled(id), 30e18, "first part");
        assertTrue(!_used(_user(0), bid.intents[0].nonce), "not full yet");

        _skip(1);
        _settleBesideGood2(_partialBid(2, 71e18, 70e18), INonces.Overfilled.selector, 30e18);

        _skip(1);
        bid = _partialBid(3, 70e18, 63e18);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertEq(settlement.filled(id), SELL, "all");
        assertTrue(_used(_user(0), bid.intents[0].nonce), "full");
    }

    function test_TwoBidsOfABatchFillPartsOfOneIntent() public {
        BidData memory one = _partialBid(1, 30e18, 27e18);
        BidData memory two = _partialBid(2, 20e18, 18e18);
        _expectSettled(one);
        _expectSettled(two);
        _settle(_encode(_list(one, two)));
        assertEq(settlement.filled(_id(one, 0)), 50e18, "both parts");
    }

    function test_AnExactOutIntentIsFilledInPartsOfWhatItBuys() public {
        BidData memory bid = _partialBid(1, 0, 0);
        bid.intents[0].kind = 1;
        (bid.legs[0].amount, bid.legs[1].amount) = (30e18, 30e18);
        _resign(bid, 0);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertEq(settlement.filled(_id(bid, 0)), 30e18, "in the unit of the buy token");
    }

    function testFuzz_APartialFillNeverExceedsTheLimitOrTheAmount(uint256 sold, uint256 bought, uint8 kind) public {
        BidData memory bid = _partialBid(1, bound(sold, 1, 2 * SELL), bound(bought, 1, 2 * BUY));
        bid.intents[0].kind = kind % 2;
        _resign(bid, 0);
        (sold, bought) = (bid.legs[0].amount, bid.legs[1].amount);
        bool good = sold * BUY <= SELL * bought && (kind % 2 == 0 ? sold <= SELL : bought <= BUY);
        vm.recordLogs();
        _settle(_encode(bid));
        assertEq(_count(ISettlement.BidSettled.selector), good ? 1 : 0, "filled if and only if allowed");
        uint256 unit = kind % 2 == 0 ? sold : bought;
        assertEq(settlement.filled(_id(bid, 0)), good ? unit : 0, "the amount filled");
    }

    function test_OnlySettlementOpensAFrame() public {
        vm.expectRevert(IBidFrame.OnlySelf.selector);
        vm.prank(admin);
        (bool ok,) = address(settlement).call(_frameOf(SALT));
        ok;
    }

    function _partialBid(uint256 nonce, uint256 sold, uint256 bought) private returns (BidData memory bid) {
        bid = _inventoryBid(nonce, 0, 1);
        bid.intents[0].partiallyFillable = true;
        (bid.legs[0].amount, bid.legs[1].amount) = (sold, bought);
        _resign(bid, 0);
    }

    function _doubled(BidData memory bid) private view returns (BidData memory) {
        IntentData memory intent = bid.intents[0];
        bid.intents = new IntentData[](2);
        (bid.intents[0], bid.intents[1]) = (intent, intent);
        LegData[] memory legs = bid.legs;
        bid.legs = new LegData[](4);
        (bid.legs[0], bid.legs[1]) = (legs[0], legs[1]);
        bid.legs[2] = LegData(1, FILLER, legs[0].amount);
        bid.legs[3] = LegData(FILLER, 1, legs[1].amount);
        _signBid(bid, SOLVER_KEY);
        return bid;
    }

    function _settleBesideGood2(BidData memory bad, bytes4 reason, uint256 filledBefore) private {
        BidData memory good = _matchedBid(998, 800, 1);
        _expectFailed(bad, NEUTRAL, reason);
        _expectSettled(good);
        _settle(_encode(_list(bad, good)));
        assertEq(settlement.filled(_id(bad, 0)), filledBefore, "unchanged");
    }

    function _contractOwnersBid() private returns (BidData memory bid, ContractOwner owner) {
        owner = new ContractOwner();
        bid = _inventoryBid(1, 0, 1);
        bid.intents[0].owner = address(owner);
        _fund(address(owner));
        bid.intents[0].form1 = true;
        bid.intents[0].signature = "the contract's own kind of signature";
        owner.accept(bid.intents[0].signature);
        _signBid(bid, SOLVER_KEY);
    }
}

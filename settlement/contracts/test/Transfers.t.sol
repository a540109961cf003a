// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../src/interfaces/IBidFrame.sol";
import {IBonds} from "../src/interfaces/IBonds.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {INonces} from "../src/interfaces/INonces.sol";
import {ReentrancyGuardTransient} from "solady/utils/ReentrancyGuardTransient.sol";
import {HostileFiller} from "./mocks/HostileFiller.sol";
import {HostileToken} from "./mocks/HostileToken.sol";
import {BidData, LegData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

/// @dev Whose fault it is, with payers, tokens and fillers that behave as badly as they can. In each
/// case the other bid of the batch settles.
contract TransfersTest is SettlementTest {
    uint8 internal constant NEUTRAL = 0;
    uint8 internal constant SOLVER = 1;
    uint8 internal constant OWNER = 2;

    HostileToken internal token;
    HostileFiller internal hostile;

    function setUp() public override {
        super.setUp();
        token = new HostileToken();
        hostile = new HostileFiller(settlement, solver);
        hostile.approve(tokenA);
        hostile.approve(tokenB);
        tokenA.mint(address(hostile), 1e30);
        tokenB.mint(address(hostile), 1e30);
    }

    function test_AnOwnerWithoutApprovalIsAtFault() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        vm.prank(_user(1));
        tokenB.approve(address(settlement), SELL - 1);
        _settleBesideGood(bid, OWNER, IBidFrame.OwnerShort.selector);
        assertEq(tokenA.balanceOf(_user(0)), 1_000e18, "the other leg is undone");
    }

    function test_AnOwnerWithoutBalanceIsAtFault() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        vm.prank(_user(0));
        tokenA.transfer(address(1), 1_000e18 - SELL + 1);
        _settleBesideGood(bid, OWNER, IBidFrame.OwnerShort.selector);
    }

    function test_AFillerWithoutBalanceIsTheSolversFault() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        vm.prank(solver);
        filler.withdraw(address(tokenB), solver, 1e30 - BUY + 1);
        _settleBesideGood2(bid, SOLVER, IBidFrame.FillerShort.selector);
    }

    function test_AFillerWithoutApprovalIsTheSolversFault() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        vm.prank(solver);
        filler.approve(address(tokenB), 0);
        _settleBesideGood2(bid, SOLVER, IBidFrame.FillerShort.selector);
    }

    function test_ThePayersOfAnUnlistedTokenAreNeverAtFault() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        vm.prank(admin);
        settlement.setPlainToken(address(tokenA), false);
        vm.prank(_user(0));
        tokenA.approve(address(settlement), 0);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.TransferFailed.selector);
    }

    function test_AnUnlistedTokenThatMovesWhatItIsToldSettles() public {
        HostileToken.Mode[2] memory modes = [HostileToken.Mode.Good, HostileToken.Mode.ReturnsNothing];
        for (uint256 i = 0; i < 2; ++i) {
            token.behave(modes[i]);
            BidData memory bid = _tokenBid(1 + i, 10 * i);
            _expectSettled(bid);
            _settle(_encode(bid));
            assertEq(tokenB.balanceOf(_user(10 * i)), 1_000e18 + BUY, "bought");
            _skip(1);
        }
        assertEq(token.balanceOf(address(hostile)), 2 * SELL, "sold");
    }

    function test_AListedTokenThatReturnsNothingSettles() public {
        _list(token);
        token.behave(HostileToken.Mode.ReturnsNothing);
        BidData memory bid = _tokenBid(1, 0);
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function testFuzz_ATransferThatATokenFailsIsNeutral(uint8 mode, bool listed) public {
        HostileToken.Mode[4] memory modes = [
            HostileToken.Mode.ReturnsFalse,
            HostileToken.Mode.ReturnsTwo,
            HostileToken.Mode.RevertsMegabyte,
            HostileToken.Mode.RefusesReceiver
        ];
        if (listed) _list(token);
        token.refuse(address(hostile));
        token.behave(modes[mode % 4]);
        _settleBesideGood(_tokenBid(1, 0), NEUTRAL, IBidFrame.TransferFailed.selector);
    }

    function test_ATokenThatBurnsAllGasIsNeutral() public {
        for (uint256 i = 0; i < 2; ++i) {
            if (i == 1) _list(token);
            token.behave(HostileToken.Mode.BurnsGas);
            BidData memory bid = _tokenBid(1 + i, 10 * i);
            bytes4 reason = _simulatedReason(bid);
            assertTrue(
                reason == IBidFrame.TransferFailed.selector || reason == IBidFrame.BidOutOfGas.selector, "reason"
            );
            _expectFailed(bid, NEUTRAL, reason);
            BidData memory good = _matchedBid(900 + i, 900 + 10 * i, 1);
            _expectSettled(good);
            _settle(_encode(_list(bid, good)));
            _skip(1);
        }
    }

    function test_AnUnlistedTokenThatTakesAFeeIsNeutral() public {
        token.behave(HostileToken.Mode.TakesFee);
        _settleBesideGood(_tokenBid(1, 0), NEUTRAL, IBidFrame.TransferShort.selector);
    }

    function test_AnUnlistedTokenThatLiesAboutItsBalancesIsNeutral() public {
        token.behave(HostileToken.Mode.LiesAboutBalance);
        _settleBesideGood(_tokenBid(1, 0), NEUTRAL, IBidFrame.TransferShort.selector);
    }

    function test_AnUnlistedTokenWithoutViewsIsNeutral() public {
        token.behave(HostileToken.Mode.RevertsInViews);
        _settleBesideGood(_tokenBid(1, 0), NEUTRAL, IBidFrame.TransferFailed.selector);
    }

    function test_AReceiverThatATokenRefusesIsNobodysFault() public {
        _list(token);
        BidData memory bid = _inventoryBid(1, 1, 1); // sells B
        bid.intents[0].buyToken = address(token);
        bid.intents[0].receiver = address(0xbad);
        token.refuse(address(0xbad));
        token.mint(address(hostile), SELL);
        bid.filler = address(hostile);
        vm.prank(address(hostile));
        token.approve(address(settlement), SELL);
        _resign(bid, 1);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.TransferFailed.selector);
    }

    function test_AnAddressWithoutCodeIsNoToken() public {
        BidData memory bid = _inventoryBid(1, 0, 1);
        bid.intents[0].sellToken = address(0xc0de);
        _resign(bid, 0);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.TransferFailed.selector);
    }

    function test_ATokenThatCallsBackFindsEveryDoorShut() public {
        bytes[] memory doors = _doors();
        for (uint256 i = 0; i < doors.length; ++i) {
            token.callBack(address(settlement), doors[i]);
            BidData memory bid = _tokenBid(1 + i, 10 * i);
            _expectSettled(bid);
            _settle(_encode(bid));
            _assertShut(token.reentryError(), i);
            _skip(1);
        }
    }

    function test_AFillerIsCalledWithItsBidAndItsData() public {
        BidData memory bid = _callbackBid(1, 0);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertEq(hostile.calls(), 1, "called once");
        assertEq(hostile.lastBid(), _digest(bid), "the bid");
        assertEq(hostile.lastData(), keccak256(bid.callback), "the data");
    }

    function test_AFillerWithoutCallbackGasIsNotCalled() public {
        BidData memory bid = _callbackBid(1, 0);
        bid.callbackGas = 0;
        _signBid(bid, SOLVER_KEY);
        _expectSettled(bid);
        _settle(_encode(bid));
        assertEq(hostile.calls(), 0, "not called");
    }

    function test_AFillerThatRevertsIsTheSolversFault() public {
        hostile.behave(HostileFiller.Mode.Revert);
        _settleBesideGood(_callbackBid(1, 0), SOLVER, IBidFrame.CallbackFailed.selector);
    }

    function test_AFillerThatBurnsItsGasIsTheSolversFault() public {
        hostile.behave(HostileFiller.Mode.BurnGas);
        _settleBesideGood(_callbackBid(1, 0), SOLVER, IBidFrame.CallbackFailed.selector);
    }

    function test_AFillerThatRevertsWithAMegabyteIsTheSolversFault() public {
        hostile.behave(HostileFiller.Mode.RevertMegabyte);
        _settleBesideGood(_callbackBid(1, 0), SOLVER, IBidFrame.CallbackFailed.selector);
    }

    function test_AFillerThatReturnsAMegabyteSettles() public {
        hostile.behave(HostileFiller.Mode.ReturnMegabyte);
        BidData memory bid = _callbackBid(1, 0);
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_AFillerThatTakesItsApprovalBackIsTheSolversFault() public {
        hostile.behave(HostileFiller.Mode.Unapprove);
        _settleBesideGood(_callbackBid(1, 0), SOLVER, IBidFrame.FillerShort.selector);
    }

    function test_AFillerIsNotCalledWithLessThanItsGas() public {
        BidData memory bid = _callbackBid(1, 0);
        bid.callbackGas = bid.gas;
        _signBid(bid, SOLVER_KEY);
        _settleBesideGood(bid, NEUTRAL, IBidFrame.CallbackGasUnavailable.selector);
        assertEq(hostile.calls(), 0, "not called");
    }

    function test_AFillerThatReentersFindsEveryDoorShut() public {
        bytes[] memory doors = _doors();
        for (uint256 i = 0; i < doors.length; ++i) {
            hostile.reenterWith(doors[i]);
            BidData memory bid = _callbackBid(1 + i, 10 * i);
            _expectSettled(bid);
            _settle(_encode(bid));
            _assertShut(hostile.reentryError(), i);
            _skip(1);
        }
    }

    /// @dev Every function of Settlement that moves or marks anything.
    function _doors() private view returns (bytes[] memory doors) {
        doors = new bytes[](10);
        doors[0] = abi.encodeCall(settlement.reveal, ("", SALT, LANE));
        doors[1] = abi.encodeCall(settlement.commitTo, (LANE, SALT));
        doors[2] = abi.encodeCall(settlement.expire, (settler, LANE));
        doors[3] = abi.encodeCall(settlement.simulate, (""));
        doors[5] = abi.encodeCall(settlement.deposit, (solver, IBonds.Fund.Gas));
        doors[6] = abi.encodeCall(settlement.requestWithdrawal, (IBonds.Fund.Gas, 0));
        doors[7] = abi.encodeCall(settlement.withdraw, (IBonds.Fund.Gas, payable(address(1))));
        doors[8] = abi.encodeCall(settlement.claimPenalty, (SALT, new address[](0), new uint256[](0), 0));
        doors[9] = abi.encodeCall(settlement.burn, ());
        doors[4] = _frameOf(SALT);
    }

    function _assertShut(bytes4 answer, uint256 door) private pure {
        bytes4 expected = door == 4 ? IBidFrame.OnlySelf.selector : ReentrancyGuardTransient.Reentrancy.selector;
        assertEq(bytes32(answer), bytes32(expected), "the door is shut");
    }

    function _list(HostileToken token_) private {
        vm.prank(admin);
        settlement.setPlainToken(address(token_), true);
    }

    /// @dev A user sells the hostile token to the hostile filler for B.
    function _tokenBid(uint256 nonce, uint256 user) private returns (BidData memory bid) {
        bid = _inventoryBid(nonce, user, 1);
        (bid.filler, bid.gas) = (address(hostile), 1_000_000);
        bid.intents[0].sellToken = address(token);
        token.mint(_user(user), SELL);
        vm.prank(_user(user));
        token.approve(address(settlement), SELL);
        _resign(bid, user);
    }

    function _callbackBid(uint256 nonce, uint256 user) private returns (BidData memory bid) {
        bid = _inventoryBid(nonce, user, 1);
        bid.filler = address(hostile);
        (bid.gas, bid.callbackGas, bid.callback) = (1_000_000, 300_000, "route");
        _signBid(bid, SOLVER_KEY);
    }

    /// @dev As _settleBesideGood, with a good bid that needs no filler of the solver at all.
    function _settleBesideGood2(BidData memory bad, uint8 fault, bytes4 reason) private {
        uint256 before = tokenB.balanceOf(address(filler));
        _settleBesideGood(bad, fault, reason);
        assertEq(tokenB.balanceOf(address(filler)), before, "the filler paid nothing");
    }

    function _simulatedReason(BidData memory bid) private returns (bytes4 reason) {
        (, bytes memory answer) = address(settlement).call(abi.encodeCall(settlement.simulate, (_encode(bid))));
        // length of the answer, selector, offset, number of results, then the words of the first: bid, settled, fault, reason.
        assembly {
            reason := mload(add(answer, 0xc4))
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";
import {IBidFrame} from "../src/interfaces/IBidFrame.sol";
import {IBonds} from "../src/interfaces/IBonds.sol";
import {INonces} from "../src/interfaces/INonces.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {HostileFiller} from "./mocks/HostileFiller.sol";
import {HostileToken} from "./mocks/HostileToken.sol";
import {Receiver} from "./mocks/Receiver.sol";
import {BidData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

/// @dev Who pays when a bid fails, and who does not: in each case the money is counted.
contract PenaltiesTest is SettlementTest {
    uint8 internal constant NEUTRAL = 0;
    uint8 internal constant SOLVER = 1;
    uint8 internal constant OWNER = 2;
    uint128 internal constant PENALTY = 1 ether;

    HostileFiller internal hostile;
    HostileToken internal token;

    function setUp() public override {
        super.setUp();
        token = new HostileToken();
        hostile = new HostileFiller(settlement, solver);
        hostile.approve(tokenA);
        hostile.approve(tokenB);
        tokenB.mint(address(hostile), 1e30);
    }

    function test_ASolverPaysForAFillerWithoutBalance() public {
        BidData memory bid = _bid(1);
        vm.prank(solver);
        filler.withdraw(address(tokenB), solver, 1e30 - BUY + 1);
        _assertPaid(bid, IBidFrame.FillerShort.selector);
    }

    function test_ASolverPaysForAFillerWithoutApproval() public {
        BidData memory bid = _bid(1);
        vm.prank(solver);
        filler.approve(address(tokenB), BUY - 1);
        _assertPaid(bid, IBidFrame.FillerShort.selector);
    }

    function test_ASolverPaysForACallbackThatReverts() public {
        hostile.behave(HostileFiller.Mode.Revert);
        _assertPaid(_callbackBid(1), IBidFrame.CallbackFailed.selector);
    }

    function test_ASolverPaysForACallbackThatBurnsItsGas() public {
        hostile.behave(HostileFiller.Mode.BurnGas);
        _assertPaid(_callbackBid(1), IBidFrame.CallbackFailed.selector);
    }

    function test_ASolverPaysForACallbackThatTakesTheApprovalBack() public {
        hostile.behave(HostileFiller.Mode.Unapprove);
        _assertPaid(_callbackBid(1), IBidFrame.FillerShort.selector);
    }

    function test_NoBondPaysForAnOwnerWithoutBalance() public {
        BidData memory bid = _bid(1);
        vm.prank(_user(0));
        tokenA.transfer(address(1), 1_000e18 - SELL + 1);
        _assertSpared(bid, OWNER, IBidFrame.OwnerShort.selector);
    }

    function test_NoBondPaysForAnOwnerWhoRevokedTheApproval() public {
        BidData memory bid = _bid(1);
        vm.prank(_user(0));
        tokenA.approve(address(settlement), SELL - 1);
        _assertSpared(bid, OWNER, IBidFrame.OwnerShort.selector);
    }

    function test_NoBondPaysForAReceiverThatIsRefused() public {
        BidData memory bid = _tokenBid(true);
        token.refuse(bid.intents[0].receiver);
        _assertSpared(bid, NEUTRAL, IBidFrame.TransferFailed.selector);
    }

    function test_NoBondPaysForAnUnlistedToken() public {
        BidData memory bid = _tokenBid(false);
        vm.prank(address(hostile));
        token.approve(address(settlement), 0);
        _assertSpared(bid, NEUTRAL, IBidFrame.TransferFailed.selector);
    }

    function test_TheSameTokenOnceListedCostsBond() public {
        BidData memory bid = _tokenBid(true);
        vm.prank(address(hostile));
        token.approve(address(settlement), 0);
        _assertPaid(bid, IBidFrame.FillerShort.selector);
    }

    function test_NoBondPaysForAUsedNonce() public {
        BidData memory bid = _bid(1);
        uint256 nonce = bid.intents[0].nonce;
        vm.prank(_user(0));
        settlement.invalidateNonces(nonce >> 8, 1 << (nonce & 0xff));
        _assertSpared(bid, NEUTRAL, INonces.NonceUsed.selector);
    }

    function test_NoBondPaysForAnExpiredIntent() public {
        BidData memory bid = _bid(1);
        bid.intents[0].validTo = uint32(block.timestamp - 1);
        _resign(bid, 0);
        _assertSpared(bid, NEUTRAL, IBidFrame.IntentExpired.selector);
    }

    function test_NoBondPaysForABadSignature() public {
        BidData memory bid = _bid(1);
        _sign(bid.intents[0], _userKey(5));
        _assertSpared(bid, NEUTRAL, IBidFrame.BadSignature.selector);
    }

    function test_NoBondPaysForGas() public {
        BidData memory bid = _bid(1);
        bid.gas = uint32(settlement.gasOverhead(1, 2, 0) + 30_000);
        _signBid(bid, SOLVER_KEY);
        _assertSpared(bid, NEUTRAL, IBidFrame.BidOutOfGas.selector);
        bid = _callbackBid(2);
        bid.callbackGas = bid.gas;
        _signBid(bid, SOLVER_KEY);
        _skip(1);
        _assertSpared(bid, NEUTRAL, IBidFrame.CallbackGasUnavailable.selector);
    }

    function test_NoBondPaysForABidThatIsNotAttempted() public {
        vm.prank(solver);
        filler.approve(address(tokenB), 0);
        BidData memory bid = _bid(1);
        bid.validUntil = uint32(block.timestamp - 1);
        _signBid(bid, SOLVER_KEY);
        _expectFailed(bid, NEUTRAL, IBidFrame.BidExpired.selector);
        _settle(_encode(bid));
        assertEq(_bond(), BOND, "the bond");
        assertEq(_gas(), GAS_DEPOSIT, "the deposit");
    }

    function test_ABidWithoutPenaltyCostsNoBond() public {
        vm.prank(solver);
        filler.approve(address(tokenB), 0);
        BidData memory bid = _inventoryBid(1, 0, 1);
        _expectFailed(bid, SOLVER, IBidFrame.FillerShort.selector);
        _settle(_encode(bid));
        assertEq(_bond(), BOND, "the bond");
    }

    function test_ABidIsPenalisedOnce() public {
        vm.prank(solver);
        filler.approve(address(tokenB), 0);
        BidData memory bid = _bid(1);
        _expectFailed(bid, SOLVER, IBidFrame.FillerShort.selector);
        _expectFailed(bid, NEUTRAL, IBidFrame.BidNonceUsed.selector);
        _settle(_encode(_list(bid, bid)));
        _skip(1);
        _expectFailed(bid, NEUTRAL, IBidFrame.BidNonceUsed.selector);
        _settle(_encode(bid));
        assertEq(_bond(), BOND - PENALTY, "once");
    }

    function test_APenaltyTakesNoMoreThanTheBondThatIsThere() public {
        vm.prank(solver);
        filler.approve(address(tokenB), 0);
        for (uint256 i = 0; i < 2; ++i) {
            BidData memory bid = _bid(1 + i);
            bid.penalty = uint128(BOND * 4 / 5);
            _signBid(bid, SOLVER_KEY);
            _settle(_encode(bid));
            _skip(1);
        }
        assertEq(_bond(), 0, "all of it");
        vm.recordLogs();
        _settle(_encode(_bid(3)));
        assertEq(_count(IBonds.PenaltyTaken.selector), 0, "nothing is taken from nothing");
        assertEq(address(settlement).balance, BOND + GAS_DEPOSIT, "owed to somebody else now");
    }

    function test_ABondThatIsLeavingStillPays() public {
        vm.prank(solver);
        settlement.requestWithdrawal(IBonds.Fund.Bond, uint128(BOND));
        vm.warp(vm.getBlockTimestamp() + WITHDRAWAL_DELAY);
        vm.prank(solver);
        filler.approve(address(tokenB), 0);
        _assertPaid(_bid(1), IBidFrame.FillerShort.selector);
        vm.prank(solver);
        settlement.withdraw(IBonds.Fund.Bond, payable(address(0x70)));
        assertEq(address(0x70).balance, BOND - PENALTY, "what is left");
    }

    function testFuzz_SharesArePaidToTheOwnersAndTheRestIsBurned(uint128 amount, uint16 a, uint16 b) public {
        (address[] memory owners, uint256[] memory amounts, BidData memory bid) =
            _penalised(uint128(bound(amount, 1, 2 * BOND)), uint16(bound(a, 0, 10_000)), b);
        uint256 taken = bid.penalty < BOND ? bid.penalty : BOND;
        assertEq(_bond(), BOND - taken, "taken");
        assertEq(settlement.burnable(), taken - amounts[0] - amounts[1], "the rest");
        bytes32 id = _digest(bid);
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectEmit(address(settlement));
            emit IBonds.PenaltyClaimed(id, owners[i], amounts[i]);
            settlement.claimPenalty(id, owners, amounts, i);
            assertEq(owners[i].balance, amounts[i], "paid");
            vm.expectRevert(abi.encodeWithSelector(IBonds.AlreadyClaimed.selector, id, i));
            settlement.claimPenalty(id, owners, amounts, i);
        }
        uint256 burned = address(0).balance;
        settlement.burn();
        assertEq(address(0).balance - burned, taken - amounts[0] - amounts[1], "burned");
        (,, uint128 gas,) = settlement.fundsOf(solver);
        assertEq(address(settlement).balance, BOND - taken + GAS_DEPOSIT, "nothing else moved");
        assertTrue(gas < GAS_DEPOSIT, "and the gas was charged");
    }

    function test_OnlyWhatThePenaltySaysIsClaimed() public {
        (address[] memory owners, uint256[] memory amounts, BidData memory bid) = _penalised(PENALTY, 5_000, 5_000);
        bytes32 id = _digest(bid);
        bytes memory wrong = abi.encodeWithSelector(IBonds.NotThePenalty.selector, id);
        amounts[0] += 1;
        vm.expectRevert(wrong);
        settlement.claimPenalty(id, owners, amounts, 0);
        amounts[0] -= 1;
        owners[1] = address(this);
        vm.expectRevert(wrong);
        settlement.claimPenalty(id, owners, amounts, 1);
        owners[1] = _user(1);
        vm.expectRevert();
        settlement.claimPenalty(id, owners, amounts, 2);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotThePenalty.selector, SALT));
        settlement.claimPenalty(SALT, owners, amounts, 0);
    }

    function test_AnOwnerThatRefusesEtherKeepsItsClaim() public {
        Receiver receiver = new Receiver();
        receiver.behave(Receiver.Mode.Refuses);
        vm.etch(_user(0), address(receiver).code);
        Receiver(payable(_user(0))).behave(Receiver.Mode.Refuses);
        (address[] memory owners, uint256[] memory amounts, BidData memory bid) = _penalised(PENALTY, 5_000, 5_000);
        bytes32 id = _digest(bid);
        vm.expectRevert(SafeTransferLib.ETHTransferFailed.selector);
        settlement.claimPenalty(id, owners, amounts, 0);
        settlement.claimPenalty(id, owners, amounts, 1);
        Receiver(payable(_user(0))).behave(Receiver.Mode.Accepts);
        settlement.claimPenalty(id, owners, amounts, 0);
        assertEq(_user(0).balance, PENALTY / 2, "later");
    }

    /// @dev Penalises a bid of two users by these shares.
    function _penalised(uint128 penalty, uint16 a, uint16 b)
        private
        returns (address[] memory owners, uint256[] memory amounts, BidData memory bid)
    {
        bid = _inventoryBid(1, 0, 2);
        vm.prank(solver);
        filler.approve(address(tokenB), 0);
        bid.penalty = penalty;
        (bid.intents[0].share, bid.intents[1].share) = (a, uint16(bound(b, 0, 10_000 - a)));
        _signBid(bid, SOLVER_KEY);
        uint256 taken = penalty < BOND ? penalty : BOND;
        (owners, amounts) = (new address[](2), new uint256[](2));
        (owners[0], owners[1]) = (_user(0), _user(1));
        (amounts[0], amounts[1]) = (taken * a / 10_000, taken * bid.intents[1].share / 10_000);
        _commit(_encode(bid));
        _skip(1);
        vm.expectEmit(address(settlement));
        emit IBonds.PenaltyTaken(_digest(bid), solver, taken, taken - amounts[0] - amounts[1], owners, amounts);
        vm.prank(settler);
        settlement.reveal(_encode(bid), SALT, LANE);
        (bytes32 shares,) = settlement.penalties(_digest(bid));
        assertEq(shares, keccak256(abi.encode(owners, amounts)), "what is kept");
    }

    /// @dev The bid fails by its solver's fault: its bond falls by the penalty, of which the owner can claim its share.
    function _assertPaid(BidData memory bid, bytes4 reason) private {
        (uint256 bond, uint256 gas) = (_bond(), _gas());
        _settleBesideGood(bid, SOLVER, reason);
        assertEq(_bond(), bond - PENALTY, "the bond pays");
        assertTrue(_gas() < gas, "and the gas");
        (address[] memory owners, uint256[] memory amounts) = (new address[](1), new uint256[](1));
        (owners[0], amounts[0]) = (bid.intents[0].owner, PENALTY * 6 / 10);
        settlement.claimPenalty(_digest(bid), owners, amounts, 0);
        assertEq(owners[0].balance, PENALTY * 6 / 10, "the owner is paid");
        assertEq(settlement.burnable(), PENALTY * 4 / 10, "the rest is to be burned");
    }

    /// @dev The bid fails, its gas is charged, and nobody's bond moves.
    function _assertSpared(BidData memory bid, uint8 fault, bytes4 reason) private {
        uint256 gas = _gas();
        _expectFailed(bid, fault, reason);
        _settle(_encode(bid));
        assertEq(_bond(), BOND, "the bond is spared");
        assertTrue(_gas() < gas, "the gas is not");
        (bytes32 shares,) = settlement.penalties(_digest(bid));
        assertEq(shares, 0, "nothing to claim");
        assertEq(settlement.burnable(), 0, "nothing to burn");
    }

    function _bond() private view returns (uint128 bond) {
        (bond,,,) = settlement.fundsOf(solver);
    }

    function _gas() private view returns (uint128 gas) {
        (,, gas,) = settlement.fundsOf(solver);
    }

    /// @dev User 0 is filled from inventory; 60 % of the penalty is for it.
    function _bid(uint256 nonce) private returns (BidData memory bid) {
        bid = _inventoryBid(nonce, 0, 1);
        (bid.penalty, bid.intents[0].share) = (PENALTY, 6_000);
        _signBid(bid, SOLVER_KEY);
    }

    function _callbackBid(uint256 nonce) private returns (BidData memory bid) {
        bid = _bid(nonce);
        bid.filler = address(hostile);
        (bid.gas, bid.callbackGas, bid.callback) = (1_000_000, 300_000, "route");
        _signBid(bid, SOLVER_KEY);
    }

    /// @dev User 1 buys the hostile token, for a receiver of its own.
    function _tokenBid(bool listed) private returns (BidData memory bid) {
        bid = _inventoryBid(1, 1, 1);
        (bid.penalty, bid.intents[0].share, bid.filler) = (PENALTY, 6_000, address(hostile));
        (bid.intents[0].buyToken, bid.intents[0].receiver) = (address(token), address(0xbad));
        token.mint(address(hostile), SELL);
        vm.prank(address(hostile));
        token.approve(address(settlement), SELL);
        vm.prank(admin);
        settlement.setPlainToken(address(token), listed);
        _resign(bid, 1);
    }
}

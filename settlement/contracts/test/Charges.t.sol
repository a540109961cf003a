// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../src/interfaces/IBidFrame.sol";
import {IBonds} from "../src/interfaces/IBonds.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {ISolvers} from "../src/interfaces/ISolvers.sol";
import {ContractOwner} from "./mocks/ContractOwner.sol";
import {BidData, IntentData} from "./utils/BatchEncoder.sol";
import {Hashing} from "./utils/Hashing.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";

/// @dev What a solver pays for the gas of its bids, and what nobody can make it pay for.
contract ChargesTest is SettlementTest {
    uint8 internal constant NEUTRAL = 0;

    function test_ASettledBidPaysTheGasThatItsSimulationSays() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        uint256 gasUsed = _simulated(_encode(bid));
        vm.recordLogs();
        _settle(_encode(bid));
        uint256 charge = _loggedCharge();
        assertEq(charge, _charged(), "the log says what was taken");
        assertEq(charge % PRICE, 0, "a whole number of gas");
        // The simulation meets cold what the reveal has warmed, and the other way round.
        assertTrue(charge / PRICE <= gasUsed + 5_000 && gasUsed <= charge / PRICE + 5_000, "as simulated");
        assertTrue(charge / PRICE > settlement.gasOverhead(2, 2, 0), "more than the overhead");
    }

    function test_AFailedBidPaysItsGasToo() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        vm.prank(_user(1));
        tokenB.approve(address(settlement), 0);
        _expectFailed(bid, 2, IBidFrame.OwnerShort.selector);
        _settle(_encode(bid));
        assertTrue(_charged() / PRICE > settlement.gasOverhead(2, 2, 0), "charged");
    }

    function test_ADelegatedKeysBidIsPaidByItsSolver() public {
        vm.prank(solver);
        settlement.setKey(_user(77), true);
        BidData memory bid = _matchedBid(1, 0, 1);
        _signBid(bid, _userKey(77));
        _expectSettled(bid);
        _settle(_encode(bid));
        assertTrue(_charged() != 0, "charged");
    }

    function test_TheTipIsCappedAndALowerPriceIsPassedOn() public {
        uint256[3] memory gasPrices = [BASE_FEE, BASE_FEE + MAX_TIP / 2, BASE_FEE + 50 * uint256(MAX_TIP)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.txGasPrice(gasPrices[i]);
            uint256 before = _charged();
            _settle(_encode(_matchedBid(1 + i, 10 * i, 1)));
            uint256 price = i == 2 ? PRICE : gasPrices[i];
            assertEq((_charged() - before) % price, 0, "the price");
            assertTrue((_charged() - before) / price < 300_000, "the gas");
            _skip(1);
        }
    }

    function test_BidsOfABatchShareItsFixedCost() public {
        _settle(_encode(_matchedBid(1, 0, 1)));
        uint256 alone = _charged();
        _skip(1);
        _settle(_encode(_list(_matchedBid(2, 10, 1), _matchedBid(3, 20, 1))));
        uint256 each = (_charged() - alone) / 2;
        assertTrue(each + 20_000 * PRICE < alone, "each pays less than alone");
    }

    function test_ABidIsNeverChargedMoreThanItsSignedGas() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        for (uint256 i = 0; i < 8; ++i) {
            bid = _matchedBid(1 + i, 10 * i, 1);
            bid.gas = uint32(settlement.gasOverhead(2, 2, 0) + 20_000 * i);
            _signBid(bid, SOLVER_KEY);
            uint256 before = _charged();
            _settle(_encode(bid));
            assertTrue(_charged() - before <= bid.gas * PRICE, "at most what was signed");
            if (i < 3) assertEq(_charged() - before, bid.gas * PRICE, "all of it, if that was not enough");
            _skip(1);
        }
    }

    function test_ABidWithLessGasThanItsOverheadFails() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bid.gas = uint32(settlement.gasOverhead(2, 2, 0) - 1);
        _signBid(bid, SOLVER_KEY);
        _assertUncharged(bid, IBonds.GasTooLow.selector);
    }

    function test_ADepositMustCoverTheSignedGas() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        _leave(bid.gas * PRICE - 1);
        _assertUncharged(bid, IBonds.DepositShort.selector);
        vm.deal(address(this), 1);
        settlement.deposit{value: 1}(solver, IBonds.Fund.Gas);
        _skip(1);
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_TheBidsOfABatchDrawOnOneDeposit() public {
        BidData memory one = _matchedBid(1, 0, 1);
        BidData memory two = _matchedBid(2, 10, 1);
        _leave(one.gas * PRICE);
        _expectSettled(one);
        _expectFailed(two, NEUTRAL, IBonds.DepositShort.selector);
        _settle(_encode(_list(one, two)));
    }

    function test_ACallWithoutAGasPriceNeedsNoDeposit() public {
        _leave(0);
        vm.fee(0);
        vm.txGasPrice(0);
        BidData memory bid = _matchedBid(1, 0, 1);
        assertTrue(_simulated(_encode(bid)) != 0, "simulated");
        _expectSettled(bid);
        _settle(_encode(bid));
    }

    function test_ABidIsNotChargedTwiceInABatchOrInAnother() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        _expectSettled(bid);
        _expectFailed(bid, NEUTRAL, IBidFrame.BidNonceUsed.selector);
        _settle(_encode(_list(bid, bid)));
        uint256 charged = _charged();
        _skip(1);
        _expectFailed(bid, NEUTRAL, IBidFrame.BidNonceUsed.selector);
        _settle(_encode(bid));
        assertEq(_charged(), charged, "once");
    }

    function test_NobodyIsChargedForABidThatItDidNotSign() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        _signBid(bid, USER_KEY);
        _assertUncharged(bid, ISolvers.UnknownKey.selector);
        (bytes32 r, bytes32 vs) = vm.signCompact(SOLVER_KEY, Hashing.bid(domain, 43, bid));
        bid.signature = abi.encodePacked(r, vs);
        _skip(1);
        _assertUncharged(bid, ISolvers.UnknownKey.selector);
    }

    function test_NobodyIsChargedForABidPastItsTime() public {
        BidData memory bid = _matchedBid(1, 0, 1);
        bid.validUntil = uint32(block.timestamp - 1);
        _signBid(bid, SOLVER_KEY);
        _assertUncharged(bid, IBidFrame.BidExpired.selector);
    }

    function test_ALongerFormOfAnAccountsSignatureCostsItsBidNoMore() public {
        uint256 snapshot = vm.snapshotState();
        BidData memory bid = _matchedBid(1, 0, 1);
        _settle(_encode(bid));
        uint256 charged = _charged();
        require(vm.revertToState(snapshot));
        bid = _matchedBid(1, 0, 1);
        for (uint256 i = 0; i < 2; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_userKey(i), _id(bid, i));
            (bid.intents[i].form1, bid.intents[i].signature) = (true, abi.encodePacked(r, s, v));
        }
        _expectSettled(bid);
        _settle(_encode(bid));
        assertTrue(_charged() <= charged, "no more");
    }

    function test_JunkInAContractsSignatureCostsItsBidNoMore() public {
        uint256[4] memory lengths = [uint256(0), 100, 5_000, 65_000];
        uint256 snapshot = vm.snapshotState();
        uint256 least;
        for (uint256 i = 0; i < 4; ++i) {
            BidData memory bid = _inventoryBid(1, 0, 1);
            ContractOwner owner = new ContractOwner();
            _fund(address(owner));
            owner.approve(address(tokenA), address(settlement));
            owner.acceptAll();
            IntentData memory intent = bid.intents[0];
            (intent.owner, intent.form1, intent.signature) = (address(owner), true, new bytes(lengths[i]));
            bid.gas = 1_000_000;
            _signBid(bid, SOLVER_KEY);
            _expectSettled(bid);
            _settle(_encode(bid));
            assertTrue(i == 0 || _charged() <= least, "no more than with less junk");
            least = _charged();
            require(vm.revertToState(snapshot));
        }
    }

    function _assertUncharged(BidData memory bid, bytes4 reason) private {
        uint256 charged = _charged();
        _expectFailed(bid, NEUTRAL, reason);
        _settle(_encode(bid));
        assertEq(_charged(), charged, "not charged");
        assertEq(settlement.bidNonces(solver, 0), 0, "not attempted");
    }

    /// @dev What the solver has paid so far.
    function _charged() private view returns (uint256) {
        (,, uint128 gas,) = settlement.fundsOf(solver);
        return GAS_DEPOSIT - gas;
    }

    /// @dev Withdraws all of the deposit but some of it.
    function _leave(uint256 amount) private {
        vm.prank(solver);
        settlement.requestWithdrawal(IBonds.Fund.Gas, uint128(GAS_DEPOSIT - amount));
        vm.warp(vm.getBlockTimestamp() + WITHDRAWAL_DELAY);
        vm.prank(solver);
        settlement.withdraw(IBonds.Fund.Gas, payable(address(0x70)));
        vm.warp(vm.getBlockTimestamp() - WITHDRAWAL_DELAY);
    }

    function _loggedCharge() private returns (uint256 charge) {
        bytes memory data = _lastData(ISettlement.BidSettled.selector);
        (charge,) = abi.decode(data, (uint256, ISettlement.Fill[]));
    }

    function _simulated(bytes memory batch) private returns (uint256 gasUsed) {
        (, bytes memory answer) = address(settlement).call(abi.encodeCall(settlement.simulate, (batch)));
        // length, selector, offset, number of results, then bid, settled, fault, reason, gas used.
        assembly ("memory-safe") {
            gasUsed := mload(add(answer, 0xe4))
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MockToken} from "../src/dev/MockToken.sol";
import {Settlement} from "../src/Settlement.sol";
import {IBonds} from "../src/interfaces/IBonds.sol";
import {IBidFrame} from "../src/interfaces/IBidFrame.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {BidData, IntentData, LegData} from "./utils/BatchEncoder.sol";
import {SettlementTest} from "./utils/SettlementTest.sol";
import {Test} from "./utils/Test.sol";
import {Vm} from "./utils/Vm.sol";

/// @dev Settles batches of one random bid after another, over few users and few nonces so that they get
/// in each other's way, and keeps a ledger of what the signatures and the logs allow.
contract Market is SettlementTest {
    uint256 public constant USERS = 6;

    struct Signed {
        address owner;
        uint256 cap;
        uint256 filled;
        uint256 fills;
        bool partiallyFillable;
    }

    mapping(bytes32 => Signed) public signed;
    bytes32[] public ids;
    mapping(address => mapping(address => int256)) public expected;
    mapping(address => mapping(uint256 => uint256)) public fillsOfNonce;
    uint256 public settled;
    uint256 public failed;
    uint256 public penalised;
    /// @dev Wei that bids were charged and that was not collected; that penalties gave to owners and was not claimed.
    uint256 public uncollected;
    uint256 public unclaimed;
    address public bystander = address(0xb57);
    bytes32[] private _penalties;
    mapping(bytes32 => address[]) private _owners;
    mapping(bytes32 => uint256[]) private _amounts;
    uint256 internal nonce = 1;

    constructor() {
        setUp();
        vm.prank(bystander);
        settlement.register();
        vm.deal(address(this), BOND + GAS_DEPOSIT);
        settlement.deposit{value: BOND}(bystander, IBonds.Fund.Bond);
        settlement.deposit{value: GAS_DEPOSIT}(bystander, IBonds.Fund.Gas);
        for (uint256 i = 0; i < USERS; ++i) {
            _fund(_user(i));
        }
        for (uint256 i = 0; i < USERS + 1; ++i) {
            for (uint256 t = 0; t < 2; ++t) {
                expected[account(i)][token(t)] = int256(_balance(t, account(i)));
            }
        }
    }

    function account(uint256 i) public view returns (address) {
        return i < USERS ? _user(i) : address(filler);
    }

    function token(uint256 i) public view returns (address) {
        return i == 0 ? address(tokenA) : address(tokenB);
    }

    function bidder() external view returns (address) {
        return solver;
    }

    function market() external view returns (address) {
        return address(settlement);
    }

    function count() external view returns (uint256) {
        return ids.length;
    }

    /// @dev Two users against each other and one against the filler, in amounts and terms that are often
    /// but not always acceptable.
    function settle(uint256 seed, bool forged) external {
        BidData memory bid = _emptyBid(nonce++);
        bid.intents = new IntentData[](3);
        uint256 first = seed % USERS;
        for (uint256 i = 0; i < 3; ++i) {
            bid.intents[i] = _randomIntent((first + i) % USERS, seed >> (8 * i + 8));
        }
        (bid.intents[1].sellToken, bid.intents[1].buyToken) = (bid.intents[0].buyToken, bid.intents[0].sellToken);
        bid.legs = new LegData[](4);
        uint256 part = seed % 4 == 0 ? SELL / 10 : SELL;
        bid.legs[0] = LegData(0, 1, part);
        bid.legs[1] = LegData(1, 0, part);
        bid.legs[2] = LegData(2, FILLER, part);
        bid.legs[3] = LegData(FILLER, 2, part - (seed % 7 == 0 ? 1 : 0));
        for (uint256 i = 0; i < 3; ++i) {
            _sign(bid.intents[i], _userKey((first + i + (forged ? 1 : 0)) % USERS));
            bid.intents[i].share = uint16(seed >> (16 * i)) % 3_333;
        }
        if (seed % 5 != 0) bid.penalty = uint128(seed % BOND);
        _signBid(bid, SOLVER_KEY);
        if (!forged) _note(bid);
        // The filler takes its approval back: its solver's fault.
        bool starved = seed % 3 == 0;
        if (starved) _approveFiller(0);
        vm.recordLogs();
        _settle(_encode(bid));
        _book(bid, vm.getRecordedLogs());
        if (starved) _approveFiller(type(uint256).max);
        _skip(1);
    }

    function deposit(uint256 amount, bool gas_) external {
        amount = bound(amount, 1, 10 ether);
        vm.deal(address(this), amount);
        settlement.deposit{value: amount}(solver, gas_ ? IBonds.Fund.Gas : IBonds.Fund.Bond);
    }

    function request(uint256 part, bool gas_) external {
        (uint128 bond,, uint128 gas,) = settlement.fundsOf(solver);
        vm.prank(solver);
        settlement.requestWithdrawal(
            gas_ ? IBonds.Fund.Gas : IBonds.Fund.Bond, uint128(bound(part, 0, (gas_ ? gas : bond) / 4))
        );
    }

    function withdraw(bool gas_) external {
        IBonds.Fund fund = gas_ ? IBonds.Fund.Gas : IBonds.Fund.Bond;
        (, uint128 bondLeaving,, uint128 gasLeaving) = settlement.fundsOf(solver);
        vm.warp(vm.getBlockTimestamp() + WITHDRAWAL_DELAY);
        uint256 before = address(0x70).balance;
        vm.prank(solver);
        try settlement.withdraw(fund, payable(address(0x70))) {} catch {}
        assertTrue(address(0x70).balance - before <= (gas_ ? gasLeaving : bondLeaving), "no more than requested");
    }

    function collect() external {
        address[] memory solvers = new address[](2);
        (solvers[0], solvers[1]) = (solver, bystander);
        uint256 before = address(0xc011).balance;
        vm.prank(admin);
        settlement.collect(solvers, payable(address(0xc011)));
        assertEq(address(0xc011).balance - before, uncollected, "all that was charged");
        uncollected = 0;
    }

    function claim(uint256 which, uint256 index) external {
        if (_penalties.length == 0) return;
        bytes32 bid = _penalties[which % _penalties.length];
        index %= _owners[bid].length;
        try settlement.claimPenalty(bid, _owners[bid], _amounts[bid], index) {
            unclaimed -= _amounts[bid][index];
        } catch {}
    }

    function burn() external {
        settlement.burn();
    }

    function invalidate(uint256 user, uint256 bit) external {
        vm.prank(_user(user % USERS));
        settlement.invalidateNonces(0, 1 << (bit % 32));
    }

    function _randomIntent(uint256 user, uint256 seed) private view returns (IntentData memory intent) {
        intent.owner = _user(user);
        bool sellsA = seed & 1 == 0;
        (intent.sellToken, intent.buyToken) = (token(sellsA ? 0 : 1), token(sellsA ? 1 : 0));
        intent.kind = uint8(seed >> 2 & 1);
        (intent.sellAmount, intent.buyAmount) = (SELL, seed & 2 == 0 || intent.kind == 1 ? SELL : BUY);
        intent.partiallyFillable = seed >> 3 & 3 != 0;
        intent.nonce = seed >> 5 & 31;
        intent.validTo = uint32(block.timestamp + 600);
    }

    function _note(BidData memory bid) private {
        for (uint256 i = 0; i < bid.intents.length; ++i) {
            IntentData memory intent = bid.intents[i];
            bytes32 id = _id(bid, i);
            if (signed[id].owner != address(0)) continue;
            uint256 cap = intent.kind == 0 ? intent.sellAmount : intent.buyAmount;
            signed[id] = Signed(intent.owner, cap, 0, 0, intent.partiallyFillable);
            ids.push(id);
        }
    }

    /// @dev Enters what the logs say was filled. forge records the logs of reverted frames as well, so
    /// the bid's own log, which is the last one, decides whether they count.
    function _book(BidData memory bid, Vm.Log[] memory logs) private {
        uint256 taken = penalised;
        for (uint256 k = 0; k < logs.length; ++k) {
            _bookMoney(bid, logs[k]);
        }
        require(penalised <= taken + 1, "one penalty a bid");
        if (logs[logs.length - 1].topics[0] != ISettlement.BidSettled.selector) {
            ++failed;
            return;
        }
        ++settled;
        for (uint256 k = 0; k < logs.length; ++k) {
            if (logs[k].topics[0] != ISettlement.BidSettled.selector) continue;
            (, IBidFrame.Fill[] memory fills) = abi.decode(logs[k].data, (uint256, IBidFrame.Fill[]));
            for (uint256 i = 0; i < fills.length; ++i) {
                _bookFill(bid, i, fills[i]);
            }
        }
    }

    function _bookMoney(BidData memory bid, Vm.Log memory log) private {
        uint256 charge = 0;
        if (log.topics[0] == ISettlement.BidSettled.selector) {
            (charge,) = abi.decode(log.data, (uint256, IBidFrame.Fill[]));
        } else if (log.topics[0] == ISettlement.BidFailed.selector) {
            (,, charge) = abi.decode(log.data, (uint8, bytes32, uint256));
        } else if (log.topics[0] == IBonds.PenaltyTaken.selector) {
            ++penalised;
            bytes32 id = log.topics[1];
            (uint256 amount, uint256 burned, address[] memory owners, uint256[] memory amounts) =
                abi.decode(log.data, (uint256, uint256, address[], uint256[]));
            require(amount <= bid.penalty, "no more than was signed");
            unclaimed += amount - burned;
            (_owners[id], _amounts[id]) = (owners, amounts);
            _penalties.push(id);
        }
        require(charge <= bid.gas * PRICE, "no more than the signed gas");
        uncollected += charge;
    }

    function _approveFiller(uint256 amount) private {
        for (uint256 t = 0; t < 2; ++t) {
            vm.prank(solver);
            filler.approve(token(t), amount);
        }
    }

    function _bookFill(BidData memory bid, uint256 i, IBidFrame.Fill memory fill) private {
        IntentData memory intent = bid.intents[i];
        require(_id(bid, i) == fill.intent, "intent");
        (uint256 sold, uint256 bought) = (fill.amounts >> 128, uint128(fill.amounts));
        require(sold * intent.buyAmount <= intent.sellAmount * bought, "limit");
        Signed storage record = signed[fill.intent];
        record.filled += intent.kind == 0 ? sold : bought;
        ++record.fills;
        if (!intent.partiallyFillable) ++fillsOfNonce[intent.owner][intent.nonce];
        expected[intent.owner][intent.sellToken] -= int256(sold);
        expected[intent.owner][intent.buyToken] += int256(bought);
        if (i == 2) {
            expected[address(filler)][intent.sellToken] += int256(sold);
            expected[address(filler)][intent.buyToken] -= int256(bought);
        }
    }

    function _balance(uint256 t, address who) private view returns (uint256) {
        return MockToken(token(t)).balanceOf(who);
    }
}

contract InvariantsTest is Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Market internal market;

    function setUp() public {
        market = new Market();
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(market);
        bytes4[10] memory selectors = [
            Market.settle.selector,
            Market.settle.selector,
            Market.settle.selector,
            Market.invalidate.selector,
            Market.deposit.selector,
            Market.request.selector,
            Market.withdraw.selector,
            Market.collect.selector,
            Market.claim.selector,
            Market.burn.selector
        ];
        targets[0].selectors = new bytes4[](selectors.length);
        for (uint256 i = 0; i < selectors.length; ++i) {
            targets[0].selectors[i] = selectors[i];
        }
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(market);
    }

    function invariant_EveryBalanceIsWhatSignedFillsMakeIt() public view {
        for (uint256 i = 0; i <= market.USERS(); ++i) {
            for (uint256 t = 0; t < 2; ++t) {
                address account = market.account(i);
                address token = market.token(t);
                int256 balance = int256(MockToken(token).balanceOf(account));
                assertTrue(balance == market.expected(account, token), "balance");
            }
        }
    }

    function invariant_TokensAreConservedAndNoneRestInSettlement() public view {
        for (uint256 t = 0; t < 2; ++t) {
            MockToken token = MockToken(market.token(t));
            uint256 sum = 0;
            for (uint256 i = 0; i <= market.USERS(); ++i) {
                sum += token.balanceOf(market.account(i));
            }
            assertEq(sum, token.totalSupply(), "supply");
            assertEq(token.balanceOf(market.market()), 0, "Settlement holds nothing");
        }
    }

    function invariant_NoIntentIsFilledTwiceOrBeyondItsAmount() public view {
        for (uint256 i = 0; i < market.count(); ++i) {
            (address owner, uint256 cap, uint256 filled, uint256 fills, bool parts) = market.signed(market.ids(i));
            assertTrue(filled <= cap, "amount");
            assertTrue(parts || fills <= 1, "once");
            assertTrue(owner != address(0), "signed");
        }
        for (uint256 u = 0; u < market.USERS(); ++u) {
            for (uint256 n = 0; n < 32; ++n) {
                assertTrue(market.fillsOfNonce(market.account(u), n) <= 1, "one fill a nonce");
            }
        }
    }

    function invariant_AllEtherIsSomebodys() public view {
        Settlement settlement = Settlement(market.market());
        uint256 owed = market.uncollected() + market.unclaimed() + settlement.burnable();
        address[2] memory solvers = [market.bidder(), market.bystander()];
        for (uint256 i = 0; i < 2; ++i) {
            (uint128 bond,, uint128 gas,) = settlement.fundsOf(solvers[i]);
            owed += bond + gas;
        }
        assertEq(address(settlement).balance, owed, "bonds, deposits, charges, claims and what is to be burned");
    }

    function invariant_NobodyElsesMoneyMoves() public view {
        (uint128 bond,, uint128 gas,) = Settlement(market.market()).fundsOf(market.bystander());
        assertEq(bond, 5 ether, "bond");
        assertEq(gas, 100 ether, "gas");
    }

    /// @dev The invariants say something only if bids settle, and fail, in good numbers.
    function test_TheMarketBothSettlesAndFails() public {
        for (uint256 i = 0; i < 40; ++i) {
            market.settle(uint256(keccak256(abi.encode(i))), i % 10 == 9);
            market.claim(i, i);
        }
        assertTrue(market.settled() >= 4, "some settle");
        assertTrue(market.failed() >= 4, "some fail");
        assertTrue(market.penalised() >= 2, "some cost bond");
        assertTrue(market.uncollected() > 0, "gas is charged");
        assertEq(market.settled() + market.failed(), 40, "all are accounted for");
        invariant_EveryBalanceIsWhatSignedFillsMakeIt();
        invariant_AllEtherIsSomebodys();
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MockToken} from "../src/dev/MockToken.sol";
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
    uint256 internal nonce = 1;

    constructor() {
        setUp();
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
        }
        _signBid(bid, SOLVER_KEY);
        if (!forged) _note(bid);
        vm.recordLogs();
        _settle(_encode(bid));
        _book(bid, vm.getRecordedLogs());
        _skip(1);
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
        if (logs[logs.length - 1].topics[0] != ISettlement.BidSettled.selector) {
            ++failed;
            return;
        }
        ++settled;
        for (uint256 k = 0; k < logs.length; ++k) {
            if (logs[k].topics[0] == IBidFrame.IntentFilled.selector) _bookFill(bid, logs[k]);
        }
    }

    function _bookFill(BidData memory bid, Vm.Log memory log) private {
        (uint256 sold, uint256 bought) = abi.decode(log.data, (uint256, uint256));
        for (uint256 i = 0; i < bid.intents.length; ++i) {
            if (_id(bid, i) != log.topics[1]) continue;
            IntentData memory intent = bid.intents[i];
            require(sold * intent.buyAmount <= intent.sellAmount * bought, "limit");
            Signed storage record = signed[log.topics[1]];
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
        targets[0].selectors = new bytes4[](2);
        (targets[0].selectors[0], targets[0].selectors[1]) = (Market.settle.selector, Market.invalidate.selector);
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

    /// @dev The invariants say something only if bids settle, and fail, in good numbers.
    function test_TheMarketBothSettlesAndFails() public {
        for (uint256 i = 0; i < 40; ++i) {
            market.settle(uint256(keccak256(abi.encode(i))), i % 10 == 9);
        }
        assertTrue(market.settled() >= 4, "some settle");
        assertTrue(market.failed() >= 4, "some fail");
        assertEq(market.settled() + market.failed(), 40, "all are accounted for");
        invariant_EveryBalanceIsWhatSignedFillsMakeIt();
    }
}

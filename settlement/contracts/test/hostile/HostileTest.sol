// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {MockToken} from "../../src/dev/MockToken.sol";
import {BidData, IntentData, LegData} from "../utils/BatchEncoder.sol";
import {SettlementTest} from "../utils/SettlementTest.sol";
import {Vm} from "../utils/Vm.sol";
import {BadFiller} from "./mocks/BadFiller.sol";

/// @dev A batch of three: a good bid, one with a hostile part, another good one. Whatever the hostile
/// part does, the good bids move their exact amounts, and a hostile bid that fails leaves nothing
/// behind but its event, its own nonce, and what its solver pays.
abstract contract HostileTest is SettlementTest {
    uint8 internal constant NEUTRAL = 0;
    uint8 internal constant SOLVER = 1;
    uint8 internal constant OWNER = 2;

    uint256 internal constant HOSTILE_KEY = 0xbad50173;
    /// @dev The users of the hostile bid: one who only has the bad luck to be in it, and the suspect.
    uint256 internal constant BYSTANDER = 500;
    uint256 internal constant SUSPECT = 502;

    uint128 internal constant PENALTY = 1 ether;
    uint16 internal constant BYSTANDERS_SHARE = 4_000;
    uint16 internal constant SUSPECTS_SHARE = 3_500;

    /// @dev What an account must have gained of a token.
    struct Watch {
        MockToken token;
        address account;
        uint256 before;
        int256 gain;
    }

    /// @dev How a bid ended, and the wei it was charged.
    struct Outcome {
        bool settled;
        uint8 fault;
        bytes32 reason;
        uint256 charge;
    }

    /// @dev The money of a solver.
    struct Money {
        uint256 bond;
        uint256 gas;
    }

    struct Mark {
        bytes32 intent;
        address owner;
        uint256 nonce;
    }

    address internal hostileSolver;
    BadFiller internal hostileFiller;
    bytes internal batch;
    bytes32[3] private _bids;
    uint256 private _signedGas;
    /// @dev What a fault of its solver costs it, and whether its parts are claimed as soon as it is taken.
    uint256 internal penaltyDue = PENALTY;
    bool internal claimsAtOnce = true;
    /// @dev Whether the hostile bid got as far as its own nonce.
    bool private _attempted = true;
    bool private _leaves;
    Watch[] private _watches;
    Mark[] private _marks;

    function setUp() public virtual override {
        super.setUp();
        hostileSolver = vm.addr(HOSTILE_KEY);
        hostileFiller = new BadFiller();
        _admit(hostileSolver, hostileFiller);
        address[2] memory tokens = [address(tokenA), address(tokenB)];
        for (uint256 i = 0; i < 2; ++i) {
            MockToken(tokens[i]).mint(address(hostileFiller), 1e30);
            _approve(tokens[i], type(uint256).max);
        }
    }

    /// @dev Makes an account a solver with a filler, a bond and a deposit for gas.
    function _admit(address account, BadFiller its) private {
        vm.prank(account);
        settlement.register();
        its.run(address(settlement), abi.encodeCall(settlement.bindFiller, (account)));
        vm.deal(address(this), BOND + GAS_DEPOSIT);
        settlement.deposit{value: BOND}(account, IBonds.Fund.Bond);
        settlement.deposit{value: GAS_DEPOSIT}(account, IBonds.Fund.Gas);
    }

    /// @dev The hostile filler lets Settlement have so much of a token.
    function _approve(address token, uint256 amount) internal {
        hostileFiller.run(token, abi.encodeCall(tokenA.approve, (address(settlement), amount)));
    }

    /// @dev Both users sell to the hostile filler, the bystander half of a partially fillable intent, the
    /// suspect all of `sell`. The bystander's payments are the first.
    function _hostileBid(address sell, address buy) internal returns (BidData memory bid) {
        bid = _emptyBid(1);
        (bid.solver, bid.filler, bid.gas) = (hostileSolver, address(hostileFiller), 4_000_000);
        bid.penalty = PENALTY;
        bid.intents = new IntentData[](2);
        (bid.intents[0], bid.intents[1]) = (_intent(BYSTANDER), _intent(SUSPECT));
        (bid.intents[0].share, bid.intents[1].share) = (BYSTANDERS_SHARE, SUSPECTS_SHARE);
        bid.intents[0].partiallyFillable = true;
        (bid.intents[1].sellToken, bid.intents[1].buyToken) = (sell, buy);
        bid.legs = new LegData[](4);
        bid.legs[0] = LegData(0, FILLER, SELL / 2);
        bid.legs[1] = LegData(1, FILLER, SELL);
        bid.legs[2] = LegData(FILLER, 0, BUY / 2);
        bid.legs[3] = LegData(FILLER, 1, BUY);
        _signHostile(bid);
    }

    function _hostileBid() internal returns (BidData memory bid) {
        return _hostileBid(address(tokenA), address(tokenB));
    }

    /// @dev One whose filler is called.
    function _callbackBid() internal returns (BidData memory bid) {
        bid = _hostileBid();
        (bid.callbackGas, bid.callback) = (3_000_000, "route");
        _signHostile(bid);
    }

    /// @dev Signs the intents, but for those in form 1, and the bid.
    function _signHostile(BidData memory bid) internal view {
        if (!bid.intents[0].form1) _sign(bid.intents[0], _userKey(BYSTANDER));
        if (!bid.intents[1].form1) _sign(bid.intents[1], _userKey(SUSPECT));
        _signBid(bid, HOSTILE_KEY);
    }

    /// @dev Commits the batch of three. What a test does from here on, it does right before the reveal.
    function _commitAround(BidData memory hostile) internal {
        BidData[] memory bids = new BidData[](3);
        (bids[0], bids[1], bids[2]) = (_matchedBid(801, 900, 1), hostile, _inventoryBid(802, 910, 1));
        for (uint256 i = 0; i < 3; ++i) {
            _bids[i] = _digest(bids[i]);
        }
        for (uint256 i = 0; i < hostile.intents.length; ++i) {
            _marks.push(Mark(_id(hostile, i), hostile.intents[i].owner, hostile.intents[i].nonce));
        }
        _signedGas = hostile.gas;
        batch = _encode(bids);
        _commit(batch);
        _skip(1);
    }

    /// @dev The hostile bid fails as told, and nothing that it touched has changed. `said` is the whole reason.
    function _revealFails(uint8 fault, bytes4 reason) internal returns (bytes32 said) {
        _watchGood();
        _watch(tokenA, _user(BYSTANDER), 0);
        _watch(tokenB, _user(BYSTANDER), 0);
        _watch(tokenA, address(hostileFiller), 0);
        _watch(tokenB, address(hostileFiller), 0);
        uint256[] memory words = _words();
        Money memory before = _money(hostileSolver);
        Outcome memory outcome = _revealAll();
        assertTrue(!outcome.settled, "the hostile bid fails");
        said = outcome.reason;
        assertEq(bytes32(bytes4(said)), bytes32(reason), "its reason");
        assertEq(outcome.fault, fault, "its fault");
        _checkMoney(before, outcome);
        for (uint256 i = 0; i < _marks.length; ++i) {
            assertEq(settlement.filled(_marks[i].intent), 0, "nothing is filled");
            assertEq(settlement.nonces(_marks[i].owner, _marks[i].nonce >> 8), words[i], "no nonce is used");
        }
    }

    /// @dev The hostile bid is not even attempted.
    function _revealRefused(bytes4 reason) internal {
        _attempted = false;
        _revealFails(NEUTRAL, reason);
    }

    /// @dev The hostile bid was left by its solver: nothing of it was checked, so the whole penalty is burned.
    function _revealLeft(bytes4 reason) internal {
        _leaves = true;
        _revealFails(SOLVER, reason);
    }

    /// @dev The hostile part changes nothing: its bid settles as well.
    function _revealSettles() internal {
        _watchGood();
        _watch(tokenA, _user(BYSTANDER), -int256(SELL / 2));
        _watch(tokenB, _user(BYSTANDER), int256(BUY / 2));
        Money memory before = _money(hostileSolver);
        Outcome memory outcome = _revealAll();
        assertEq(outcome.reason, 0, "no reason");
        assertTrue(outcome.settled, "the hostile bid settles");
        _checkMoney(before, outcome);
    }

    function _settleFails(BidData memory bid, uint8 fault, bytes4 reason) internal returns (bytes32 said) {
        _commitAround(bid);
        said = _revealFails(fault, reason);
    }

    function _settleSettles(BidData memory bid) internal {
        _commitAround(bid);
        _revealSettles();
    }

    /// @dev From here to the check an account must gain exactly this much of a token.
    function _watch(MockToken token, address account, int256 gain) internal {
        _watches.push(Watch(token, account, token.balanceOf(account), gain));
    }

    function _watchGood() private {
        _watch(tokenA, _user(900), -int256(SELL));
        _watch(tokenB, _user(900), int256(SELL));
        _watch(tokenA, _user(901), int256(SELL));
        _watch(tokenB, _user(901), -int256(SELL));
        _watch(tokenA, _user(910), -int256(SELL));
        _watch(tokenB, _user(910), int256(BUY));
        _watch(tokenA, address(filler), int256(SELL));
        _watch(tokenB, address(filler), -int256(BUY));
        _watch(tokenA, address(settlement), 0);
        _watch(tokenB, address(settlement), 0);
    }

    function _words() private view returns (uint256[] memory words) {
        words = new uint256[](_marks.length);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = settlement.nonces(_marks[i].owner, _marks[i].nonce >> 8);
        }
    }

    function _money(address account) internal view returns (Money memory money) {
        (money.bond,, money.gas,) = settlement.fundsOf(account);
    }

    /// @dev Gas is paid for every attempt and never above what was signed; bond for nothing but the solver's
    /// own fault, and then its parts are to be had by those whom it is for.
    function _checkMoney(Money memory before, Outcome memory outcome) private {
        Money memory afterwards = _money(hostileSolver);
        assertEq(before.gas - afterwards.gas, outcome.charge, "the deposit pays what the log says");
        assertTrue(outcome.charge <= _signedGas * PRICE, "never above the signed gas");
        assertTrue((outcome.charge != 0) == _attempted, "every attempt is charged, and nothing else");
        uint256 penalty = outcome.fault == SOLVER ? penaltyDue : 0;
        assertEq(before.bond - afterwards.bond, penalty, "the bond pays for its solver's fault alone");
        uint256 shares = _leaves ? 0 : BYSTANDERS_SHARE + SUSPECTS_SHARE;
        assertEq(settlement.burnable(), penalty * (10_000 - shares) / 10_000, "the rest");
        if (penalty == 0 || _leaves || !claimsAtOnce) return;
        (, address[] memory owners, uint256[] memory amounts) = _penalty();
        for (uint256 i = 0; i < 2; ++i) {
            uint256 had = owners[i].balance;
            _claim(i);
            assertEq(owners[i].balance - had, amounts[i], "an owner's share");
        }
    }

    /// @dev The penalty of the hostile bid, as its claims name it.
    function _penalty() internal view returns (bytes32 bid, address[] memory owners, uint256[] memory amounts) {
        (owners, amounts) = (new address[](2), new uint256[](2));
        (owners[0], amounts[0]) = (_marks[0].owner, uint256(PENALTY) * BYSTANDERS_SHARE / 10_000);
        (owners[1], amounts[1]) = (_marks[1].owner, uint256(PENALTY) * SUSPECTS_SHARE / 10_000);
        bid = _bids[1];
    }

    function _claim(uint256 index) internal {
        (bytes32 bid, address[] memory owners, uint256[] memory amounts) = _penalty();
        settlement.claimPenalty(bid, owners, amounts, index);
    }

    /// @dev Reveals the batch, checks what is watched and that the good bids settled at their own expense;
    /// says what became of the hostile one.
    function _revealAll() private returns (Outcome memory hostile) {
        Money memory before = _money(solver);
        uint256 balance = address(settlement).balance;
        vm.recordLogs();
        _reveal(batch);
        uint256 charged = 0;
        (hostile, charged) = _outcomes(vm.getRecordedLogs());
        for (uint256 i = 0; i < _watches.length; ++i) {
            Watch memory w = _watches[i];
            uint256 expected = uint256(int256(w.before) + w.gain);
            assertEq(w.token.balanceOf(w.account), expected, "the exact amounts have moved");
        }
        assertEq(before.bond, _money(solver).bond, "another solver's bond is untouched");
        assertEq(before.gas - _money(solver).gas, charged, "and so is its deposit, but for its own gas");
        assertEq(address(settlement).balance, balance, "no money leaves with a reveal");
        assertEq(settlement.bidNonces(hostileSolver, 0), _attempted ? 1 << 1 : 0, "an attempt uses the bid's nonce");
    }

    /// @dev What became of the hostile bid, and what the good ones were charged.
    function _outcomes(Vm.Log[] memory logs) private view returns (Outcome memory hostile, uint256 charged) {
        uint256 seen = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (!_isOutcome(logs[i])) continue;
            assertEq(logs[i].topics[1], _bids[seen], "the outcomes are in the batch's order");
            Outcome memory outcome = _outcome(logs[i]);
            if (seen == 1) {
                hostile = outcome;
            } else {
                assertTrue(outcome.settled, "a good bid settles");
                charged += outcome.charge;
            }
            ++seen;
        }
        assertEq(seen, 3, "an outcome a bid");
    }

    function _isOutcome(Vm.Log memory log) private view returns (bool) {
        if (log.emitter != address(settlement)) return false;
        return log.topics[0] == ISettlement.BidSettled.selector || log.topics[0] == ISettlement.BidFailed.selector;
    }

    function _outcome(Vm.Log memory log) private pure returns (Outcome memory outcome) {
        if (log.topics[0] == ISettlement.BidSettled.selector) {
            outcome.settled = true;
            (outcome.charge,) = abi.decode(log.data, (uint256, IBidFrame.Fill[]));
        } else {
            (outcome.fault, outcome.reason, outcome.charge) = abi.decode(log.data, (uint8, bytes32, uint256));
        }
    }
}

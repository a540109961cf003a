// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {InventoryFiller} from "../../src/InventoryFiller.sol";
import {Settlement} from "../../src/Settlement.sol";
import {MockToken} from "../../src/dev/MockToken.sol";
import {INonces} from "../../src/interfaces/INonces.sol";
import {IBidFrame} from "../../src/interfaces/IBidFrame.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {BatchData, BatchEncoder, BidData, IntentData, LegData} from "./BatchEncoder.sol";
import {Hashing} from "./Hashing.sol";
import {Test} from "./Test.sol";
import {Vm} from "./Vm.sol";

/// @dev A deployed marketplace with one settler, one solver, its filler and two plain tokens, and the
/// means to build, sign and settle batches.
abstract contract SettlementTest is Test {
    /// @dev A log that a bid must leave. Its charge is checked elsewhere; its fills, if any are given.
    struct Expected {
        bytes32 bid;
        address solver;
        bool settled;
        uint8 fault;
        bytes32 reason;
        IBidFrame.Fill[] fills;
    }

    uint32 internal constant MAX_DELAY = 20;
    uint32 internal constant WITHDRAWAL_DELAY = 1 days;
    uint64 internal constant MAX_TIP = 1 gwei;
    uint256 internal constant BASE_FEE = 10 gwei;
    uint256 internal constant GAS_PRICE = 15 gwei;
    uint256 internal constant PRICE = BASE_FEE + MAX_TIP;
    uint256 internal constant BOND = 5 ether;
    uint256 internal constant GAS_DEPOSIT = 100 ether;
    uint256 internal constant LANE = 7;
    uint256 internal constant SOLVER_KEY = 0x50173;
    uint256 internal constant USER_KEY = 0x05e7;
    uint8 internal constant FILLER = 255;
    bytes32 internal constant SALT = keccak256("salt");

    uint256 internal constant SELL = 100e18;
    uint256 internal constant BUY = 90e18;

    address internal admin = address(0xad);
    address internal settler = address(0x5e77);
    address internal solver;
    Settlement internal settlement;
    InventoryFiller internal filler;
    MockToken internal tokenA;
    MockToken internal tokenB;
    bytes32 internal domain;
    Expected[] private _expected;

    function setUp() public virtual {
        vm.fee(BASE_FEE);
        vm.txGasPrice(GAS_PRICE);
        settlement = _deploySettlement(admin, MAX_DELAY, WITHDRAWAL_DELAY, MAX_TIP);
        domain = Hashing.domain(block.chainid, address(settlement));
        vm.prank(admin);
        settlement.openLane(settler, LANE);
        (tokenA, tokenB) = (_plainToken("A"), _plainToken("B"));
        solver = vm.addr(SOLVER_KEY);
        filler = _solver(solver);
    }

    /// @dev Makes an account a solver with a filler, a bond and a deposit for gas.
    function _solver(address account) internal returns (InventoryFiller) {
        vm.prank(account);
        settlement.register();
        vm.deal(address(this), BOND + GAS_DEPOSIT);
        settlement.deposit{value: BOND}(account, IBonds.Fund.Bond);
        settlement.deposit{value: GAS_DEPOSIT}(account, IBonds.Fund.Gas);
        return _filler(account);
    }

    function _plainToken(string memory name) internal returns (MockToken token) {
        token = new MockToken(name, name, 18);
        vm.prank(admin);
        settlement.setPlainToken(address(token), true);
    }

    /// @dev An inventory of a solver, with plenty of both tokens.
    function _filler(address owner) internal returns (InventoryFiller made) {
        made = new InventoryFiller(owner, settlement);
        vm.prank(owner);
        made.bind(owner);
        address[2] memory tokens = [address(tokenA), address(tokenB)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(owner);
            made.approve(tokens[i], type(uint256).max);
            MockToken(tokens[i]).mint(address(made), 1e30);
        }
    }

    function _userKey(uint256 i) internal pure returns (uint256) {
        return USER_KEY + i;
    }

    function _user(uint256 i) internal pure returns (address) {
        return vm.addr(_userKey(i));
    }

    /// @dev Gives an account both tokens and lets Settlement have them.
    function _fund(address account) internal {
        address[2] memory tokens = [address(tokenA), address(tokenB)];
        for (uint256 i = 0; i < 2; ++i) {
            MockToken(tokens[i]).mint(account, 1_000e18);
            vm.prank(account);
            MockToken(tokens[i]).approve(address(settlement), type(uint256).max);
        }
    }

    /// @dev User i sells SELL of A for at least BUY of B (i even), or of B for A (i odd); unsigned.
    function _intent(uint256 i) internal returns (IntentData memory intent) {
        intent.owner = _user(i);
        _fund(intent.owner);
        (intent.sellToken, intent.buyToken) =
            i % 2 == 0 ? (address(tokenA), address(tokenB)) : (address(tokenB), address(tokenA));
        (intent.sellAmount, intent.buyAmount) = (SELL, BUY);
        intent.nonce = uint256(keccak256(abi.encode(i))) >> 216;
        intent.validTo = uint32(block.timestamp + 600);
    }

    function _sign(IntentData memory intent, uint256 key) internal view {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, Hashing.intent(domain, intent));
        intent.signature = abi.encodePacked(r, vs);
    }

    function _signedIntent(uint256 i) internal returns (IntentData memory intent) {
        intent = _intent(i);
        _sign(intent, _userKey(i));
    }

    function _emptyBid(uint256 nonce) internal view returns (BidData memory bid) {
        bid.solver = solver;
        bid.filler = address(filler);
        bid.gas = 1_000_000;
        bid.validUntil = uint32(block.timestamp + 60);
        bid.nonce = nonce;
        bid.salt = keccak256(abi.encode("bid salt", nonce));
        bid.clientBidId = keccak256(abi.encode("client bid id", nonce));
    }

    /// @dev `pairs` pairs of users, each matched with each other, beginning with user `first`.
    function _matchedBid(uint256 nonce, uint256 first, uint256 pairs) internal returns (BidData memory bid) {
        bid = _emptyBid(nonce);
        bid.intents = new IntentData[](2 * pairs);
        bid.legs = new LegData[](2 * pairs);
        for (uint256 i = 0; i < 2 * pairs; ++i) {
            bid.intents[i] = _signedIntent(first + i);
            bid.legs[i] = LegData(uint8(i), uint8(i ^ 1), SELL);
        }
        bid.gas = uint32(200_000 + 120_000 * pairs);
        _signBid(bid, SOLVER_KEY);
    }

    /// @dev `count` users, each filled from the filler's inventory.
    function _inventoryBid(uint256 nonce, uint256 first, uint256 count) internal returns (BidData memory bid) {
        bid = _emptyBid(nonce);
        bid.intents = new IntentData[](count);
        bid.legs = new LegData[](2 * count);
        for (uint256 i = 0; i < count; ++i) {
            bid.intents[i] = _signedIntent(first + i);
            bid.legs[2 * i] = LegData(uint8(i), FILLER, SELL);
            bid.legs[2 * i + 1] = LegData(FILLER, uint8(i), BUY);
        }
        bid.gas = uint32(200_000 + 100_000 * count);
        _signBid(bid, SOLVER_KEY);
    }

    /// @dev Derives the tokens of a bid and signs it, for the auction of `_batch`.
    function _signBid(BidData memory bid, uint256 key) internal view {
        bid.tokens = BatchEncoder.tokensOf(bid.intents);
        (bytes32 r, bytes32 vs) = vm.signCompact(key, _digest(bid));
        bid.signature = abi.encodePacked(r, vs);
    }

    function _digest(BidData memory bid) internal view returns (bytes32) {
        return Hashing.bid(domain, 42, bid);
    }

    function _id(BidData memory bid, uint256 i) internal view returns (bytes32) {
        return Hashing.intent(domain, bid.intents[i]);
    }

    function _batch(BidData[] memory bids) internal pure returns (BatchData memory) {
        return BatchData(42, 1, keccak256("open"), keccak256("root"), uint32(bids.length), bids);
    }

    function _encode(BidData memory bid) internal pure returns (bytes memory) {
        return BatchEncoder.encode(_batch(_list(bid)));
    }

    function _encode(BidData[] memory bids) internal pure returns (bytes memory) {
        return BatchEncoder.encode(_batch(bids));
    }

    function _list(BidData memory one) internal pure returns (BidData[] memory bids) {
        bids = new BidData[](1);
        bids[0] = one;
    }

    function _list(BidData memory one, BidData memory two) internal pure returns (BidData[] memory bids) {
        bids = new BidData[](2);
        (bids[0], bids[1]) = (one, two);
    }

    function _commitment(bytes memory batch, address by, uint256 lane, bytes32 salt) internal view returns (bytes32) {
        return Hashing.commitment(
            Hashing.Commitment({
                chainId: block.chainid,
                settlement: address(settlement),
                settler: by,
                lane: lane,
                auctionId: 42,
                attempt: 1,
                openHash: keccak256("open"),
                bidsRoot: keccak256("root"),
                bidCount: uint8(batch[77]),
                batchHash: keccak256(batch),
                salt: salt
            })
        );
    }

    function _commit(bytes memory batch) internal returns (bytes32 commitment) {
        commitment = _commitment(batch, settler, LANE, SALT);
        vm.prank(settler);
        settlement.commitTo(LANE, commitment);
    }

    function _reveal(bytes memory batch) internal {
        if (_expected.length != 0) vm.recordLogs();
        vm.prank(settler);
        settlement.reveal(batch, SALT, LANE);
        if (_expected.length != 0) _checkLogs(vm.getRecordedLogs());
    }

    /// @dev Lets blocks pass. The optimizer takes `block.number` for a constant of a call, so ask forge.
    function _skip(uint256 blocks) internal {
        vm.roll(vm.getBlockNumber() + blocks);
    }

    /// @dev Commits a batch, lets a block pass and reveals it.
    function _settle(bytes memory batch) internal {
        _commit(batch);
        _skip(1);
        _reveal(batch);
    }

    /// @dev How many of the logs recorded since `recordLogs` are of an event.
    function _count(bytes32 eventSignature) internal returns (uint256 count) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == eventSignature) ++count;
        }
    }

    /// @dev The data of the last log recorded of an event.
    function _lastData(bytes32 eventSignature) internal returns (bytes memory data) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == eventSignature) data = logs[i].data;
        }
        assertTrue(data.length != 0, "no such log");
    }

    /// @dev The next reveal must settle the bid, and if fills are expected of it, with those.
    function _expectSettled(BidData memory bid) internal {
        Expected storage log = _expected.push();
        (log.bid, log.solver, log.settled) = (_digest(bid), bid.solver, true);
    }

    function _expectFailed(BidData memory bid, uint8 fault, bytes4 reason) internal {
        Expected storage log = _expected.push();
        (log.bid, log.solver, log.fault, log.reason) = (_digest(bid), bid.solver, fault, reason);
    }

    /// @dev What a failed bid's reason says of an error and its first argument.
    function _reason(bytes4 selector, bytes32 argument) internal pure returns (bytes32 reason) {
        return bytes32(selector) | argument >> 32;
    }

    /// @dev A fill of the bid that was expected last.
    function _expectFilled(bytes32 intent, uint256 sold, uint256 bought) internal {
        _expected[_expected.length - 1].fills.push(IBidFrame.Fill(intent, sold << 128 | bought));
    }

    /// @dev The logs of bids are those that were expected, in this order.
    function _checkLogs(Vm.Log[] memory logs) private {
        uint256 next = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 signature = logs[i].topics[0];
            if (signature != ISettlement.BidSettled.selector && signature != ISettlement.BidFailed.selector) continue;
            assertTrue(next < _expected.length, "a bid more than expected");
            _checkLog(logs[i], _expected[next++]);
        }
        assertEq(next, _expected.length, "all bids");
        delete _expected;
    }

    function _checkLog(Vm.Log memory log, Expected storage expected) private view {
        assertEq(log.topics[1], expected.bid, "bid");
        assertEq(log.topics[2], bytes32(uint256(uint160(expected.solver))), "solver");
        if (log.topics[0] == ISettlement.BidSettled.selector) {
            assertTrue(expected.settled, "a bid settled that was to fail");
            (, IBidFrame.Fill[] memory fills) = abi.decode(log.data, (uint256, IBidFrame.Fill[]));
            if (expected.fills.length != 0) assertEq(abi.encode(fills), abi.encode(expected.fills), "fills");
        } else {
            (uint8 fault, bytes32 reason,) = abi.decode(log.data, (uint8, bytes32, uint256));
            assertEq(bytes32(bytes4(reason)), expected.reason, "reason");
            assertEq(fault, expected.fault, "fault");
        }
    }

    /// @dev Settles a bad bid before a good one: the bad one fails as expected and leaves no trace but
    /// its event and its nonce, and the good one settles.
    function _settleBesideGood(BidData memory bad, uint8 fault, bytes4 reason) internal {
        BidData memory good = _matchedBid(999, 900, 1);
        _expectFailed(bad, fault, reason);
        _expectSettled(good);
        _settle(_encode(_list(bad, good)));
        for (uint256 i = 0; i < bad.intents.length; ++i) {
            assertEq(settlement.filled(_id(bad, i)), 0, "a failed bid fills nothing");
        }
    }

    /// @dev The call of a bid's frame, with nothing in it.
    function _frameOf(bytes32 bid) internal view returns (bytes memory) {
        IBidFrame.Terms memory terms = IBidFrame.Terms(bid, address(filler), 0, true, 0, 0, 0, 0, 0);
        return abi.encodeCall(settlement.executeBid, (terms));
    }

    /// @dev Signs the intents of a bid again, as those of the users from `first` on, and the bid.
    function _resign(BidData memory bid, uint256 first) internal view {
        for (uint256 i = 0; i < bid.intents.length; ++i) {
            _sign(bid.intents[i], _userKey(first + i));
        }
        _signBid(bid, SOLVER_KEY);
    }

    function _used(address owner, uint256 nonce) internal view returns (bool) {
        return settlement.nonces(owner, nonce >> 8) >> (nonce & 0xff) & 1 == 1;
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "../interfaces/IBidFrame.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Cursor} from "./Cursor.sol";
import {GasSchedule} from "./GasSchedule.sol";
import {Memory} from "./Memory.sol";
import {Typehashes} from "./Typehashes.sol";

/// @dev The words of a bid's EIP-712 encoding, in its order.
struct Bid {
    bytes32 typehash;
    uint256 auctionId;
    address solver;
    address filler;
    bytes32 legsHash;
    bytes32 callbackHash;
    uint256 gas;
    uint256 callbackGas;
    uint256 penalty;
    uint256 validUntil;
    uint256 nonce;
    bytes32 salt;
    bytes32 clientBidId;
}

/// @dev What is known of a bid besides its signed words. The first three are the batch's: `price` in wei per
/// gas, and what each bid is `saving` of the overhead because there are others. `longCount` and
/// `longBytes` are of form-1 signatures; `start` and `end` bound the frame's call, in which fills and orders are.
struct Reading {
    bytes32 domain;
    uint256 price;
    uint256 saving;
    bytes32 r;
    bytes32 vs;
    uint256 tokens;
    uint256 tokenCount;
    uint256 plainTokens;
    bool fillerIsToken;
    bool penalised;
    uint256 longCount;
    uint256 longBytes;
    uint256 overhead;
    uint256 fills;
    uint256 orders;
    uint256 start;
    uint256 end;
}

/// @title Reads one bid of a batch into the calldata of its frame
/// @notice Reverts with NotCanonical, and so fails the batch, if the bytes are not the only encoding
/// of what they mean. Whether that may be settled is decided elsewhere. The two loops are written in
/// assembly: each swap passes them, and the compiler makes twice as much of them.
library BidReader {
    using Cursor for uint256;
    using Memory for uint256;

    uint256 internal constant FILLER = 255;

    /// @dev Bytes of an IBidFrame.Order, an IBidFrame.Fill and an IBidFrame.Payment, and of an intent's EIP-712
    /// encoding: an order is put where its words are hashed, one word shorter.
    uint256 private constant ORDER = 352;
    uint256 private constant FILL = 64;
    uint256 private constant PAYMENT = 128;
    uint256 private constant HASHED = 384;
    /// @dev Bytes of the filler among the orders.
    uint256 private constant FILLERS_ORDER = 96;
    /// @dev Bytes that a leg adds to what is hashed.
    uint256 private constant LEG = 96;
    /// @dev Bytes of an IBidFrame.Terms.
    uint256 private constant TERMS = 288;

    uint256 private constant LONG_SIGNATURE = 16;
    /// @dev Where an order's flags hold its share of the penalty, in basis points of WHOLE.
    uint256 private constant SHARE_AT = 16;
    uint256 private constant WHOLE = 10_000;

    /// @dev Where the members of a Reading are.
    uint256 private constant TOKENS = 0xa0;
    uint256 private constant TOKEN_COUNT = 0xc0;
    uint256 private constant PLAIN_TOKENS = 0xe0;
    uint256 private constant PENALISED = 0x120;
    uint256 private constant LONG_COUNT = 0x140;
    uint256 private constant LONG_BYTES = 0x160;
    uint256 private constant FILLS = 0x1a0;
    uint256 private constant ORDERS = 0x1c0;

    /// @dev Reads the bid at `pos` and leaves, from `reading.start`, the call of its frame in which only
    /// the bid's digest is missing. `next` is where the following bid begins.
    function read(uint256 pos, Bid memory bid, Reading memory reading, mapping(address => bool) storage plain)
        internal
        view
        returns (uint256 next)
    {
        unchecked {
            next = _head(pos, bid, reading);
            next = _tokens(next, bid.filler, reading, plain);

            uint256 start = Memory.free();
            uint256 terms = start + 32;
            start.set(uint256(uint32(IBidFrame.executeBid.selector)));
            (terms + 32).set(bid.filler);
            (terms + 64).set(bid.callbackGas);

            // The filler has a fill and the accounts of an order as well, so that all legs are alike.
            uint256 fills = terms + TERMS;
            uint256 count = next.take(1);
            if (count == 0 || count == FILLER) revert ISettlement.NotCanonical(next);
            uint256 orders = fills + (count + 1) * FILL;
            (fills - 32).set(count);
            (reading.fills, reading.orders) = (fills, orders);

            uint256 section = next + 1;
            next = _orders(section, reading);
            uint256 sectionLength = reading.longCount != 0 ? next - section : 0;
            uint256 payments = orders + count * ORDER;
            _filler(fills + count * FILL, payments, bid.filler);
            payments += FILLERS_ORDER;

            uint256 legs = next.take(2);
            if (legs == 0) revert ISettlement.NotCanonical(next);
            (terms + 160).set(legs);
            uint256 owed;
            bool balanced;
            (next, bid.legsHash, balanced, owed) = _legs(next + 2, payments, legs, reading);
            (terms + 96).set(balanced ? 1 : 0);
            (terms + 128).set(owed);

            uint256 callback = payments + legs * PAYMENT;
            uint256 length = next.take(3);
            (terms + 192).set(length);
            callback.copy(next + 3, length);
            bid.callbackHash = callback.hash(length);
            next += 3 + length;
            reading.overhead = GasSchedule.overhead(count, legs, length);

            uint256 tail = callback + ((length + 31) & ~uint256(31));
            (terms + 224).set(sectionLength);
            tail.copy(section, sectionLength);

            reading.end = tail + sectionLength;
            reading.start = start + 28;
            Memory.keep((reading.end + 31) & ~uint256(31));
        }
    }

    /// @dev The data of a log of what was filled, when the frame is done: the charge, and the fills where they are.
    function settled(Reading memory reading, uint256 charge) internal pure returns (uint256 start, uint256 length) {
        unchecked {
            start = reading.fills - 96;
            start.set(charge);
            (start + 32).set(uint256(64));
            length = 96 + FILL * uint256((start + 64).get());
        }
    }

    /// @dev An intent that no leg touches was added by somebody else than the solver, to be billed to it.
    function demandTouched(Reading memory reading) internal pure {
        unchecked {
            uint256 fill = reading.fills;
            for (uint256 end = fill + FILL * uint256((fill - 32).get()); fill < end; fill += FILL) {
                if ((fill + 32).get() == 0) revert ISettlement.UntouchedIntent(fill.get());
            }
        }
    }

    /// @dev The owners of a bid's intents and their shares of its penalty in basis points.
    function owners(Reading memory reading) internal pure returns (address[] memory accounts, uint256[] memory shares) {
        uint256 order = reading.orders;
        uint256 count = uint256((reading.fills - 32).get());
        (accounts, shares) = (new address[](count), new uint256[](count));
        for (uint256 i = 0; i < count; ++i) {
            accounts[i] = address(uint160(uint256((order + 32).get())));
            shares[i] = uint256(order.get()) >> SHARE_AT;
            order += ORDER;
        }
    }

    /// @dev The filler's fill, which nobody reads, and the accounts of its order.
    function _filler(uint256 fill, uint256 order, address filler) private pure {
        unchecked {
            fill.set(uint256(0));
            (fill + 32).set(uint256(0));
            (order + 32).set(filler);
            (order + 64).set(filler);
        }
    }

    function _head(uint256 pos, Bid memory bid, Reading memory reading) private pure returns (uint256 next) {
        unchecked {
            bid.solver = pos.addr();
            bid.filler = (pos + 20).addr();
            bid.gas = (pos + 40).take(4);
            bid.callbackGas = (pos + 44).take(4);
            bid.penalty = (pos + 48).take(16);
            bid.validUntil = (pos + 64).take(4);
            (bid.nonce, next) = (pos + 68).uintAt();
            (reading.penalised, reading.longCount, reading.longBytes) = (bid.penalty != 0, 0, 0);
            bid.salt = next.word();
            bid.clientBidId = (next + 32).word();
            reading.r = (next + 64).word();
            reading.vs = (next + 96).word();
            next += 128;
        }
    }

    function _tokens(uint256 pos, address filler, Reading memory reading, mapping(address => bool) storage plain)
        private
        view
        returns (uint256 next)
    {
        unchecked {
            uint256 count = pos.take(1);
            uint256 plainTokens = 0;
            address last = address(0);
            next = pos + 1;
            reading.tokens = next;
            reading.tokenCount = count;
            reading.fillerIsToken = false;
            // The batch's only fill: to look two tokens up costs more than to measure what they move.
            bool lone = reading.saving == 0 && (next + 20 * count).take(1) == 1;
            for (uint256 i = 0; i < count; ++i) {
                address token = next.addr();
                if (i != 0 && token <= last) revert ISettlement.NotCanonical(next);
                if (!lone && plain[token]) plainTokens |= 1 << i;
                if (token == filler) reading.fillerIsToken = true;
                last = token;
                next += 20;
            }
            reading.plainTokens = plainTokens;
        }
    }

    /// @dev Writes a fill and an order for each intent from `pos` on. An order's words are first those that
    /// are hashed; then the first, which was the typehash, becomes the flags, and what follows `validTo`, the
    /// signature or, in form 1, where in the section it is and how long. Bit 160 of a token then says whether it is known to be plain.
    function _orders(uint256 pos, Reading memory reading) private pure returns (uint256 next) {
        bytes32 notCanonical = ISettlement.NotCanonical.selector;
        uint256 section = pos;
        uint256 shares = 0;
        bytes32 typehash = Typehashes.INTENT;
        assembly ("memory-safe") {
            function uintAt(at, to) -> after_, bad {
                let width := byte(0, calldataload(at))
                let bytes_ := calldataload(add(at, 1))
                mstore(to, shr(sub(256, shl(3, width)), bytes_))
                after_ := add(add(at, 1), width)
                bad := or(gt(width, 32), lt(byte(0, bytes_), gt(width, 0)))
            }

            // The head of what a digest is made of stays where typedDigest has it.
            mstore(0x00, hex"1901")
            mstore(0x02, mload(reading))
            let order := mload(add(reading, ORDERS))
            let fill := mload(add(reading, FILLS))
            for { let end := sub(order, FILL) } lt(fill, end) { fill := add(fill, FILL) } {
                let head := calldataload(pos)
                let flags := byte(0, head)
                let owner := shr(96, shl(8, head))
                let sell := byte(21, head)
                let buy := byte(22, head)
                let bad := mload(add(reading, TOKEN_COUNT))
                bad := or(gt(flags, 31), iszero(and(lt(sell, bad), lt(buy, bad))))
                mstore(order, typehash)
                mstore(add(order, 0x20), owner)
                {
                    let tokens := mload(add(reading, TOKENS))
                    mstore(add(order, 0x60), shr(96, calldataload(add(tokens, mul(20, sell)))))
                    mstore(add(order, 0x80), shr(96, calldataload(add(tokens, mul(20, buy)))))
                }

                next := add(pos, 23)
                let receiver := 0
                if and(flags, 4) {
                    receiver := shr(96, calldataload(next))
                    bad := or(bad, iszero(receiver))
                    next := add(next, 20)
                }
                mstore(add(order, 0x40), receiver)
                let badNumber
                next, badNumber := uintAt(next, add(order, 0xa0))
                bad := or(bad, badNumber)
                next, badNumber := uintAt(next, add(order, 0xc0))
                bad := or(bad, badNumber)
                next, badNumber := uintAt(next, add(order, 0xe0))
                bad := or(bad, badNumber)
                mstore(add(order, 0x100), shr(224, calldataload(next)))
                next := add(next, 4)
                mstore(add(order, 0x120), and(flags, 1))
                mstore(add(order, 0x140), and(shr(1, flags), 1))
                mstore(add(order, 0x160), 0)
                if and(flags, 8) {
                    let appData := calldataload(next)
                    bad := or(bad, iszero(appData))
                    mstore(add(order, 0x160), appData)
                    next := add(next, 32)
                }
                if bad {
                    mstore(0x00, notCanonical)
                    mstore(0x04, pos)
                    revert(0x00, 0x24)
                }
                mstore(0x22, keccak256(order, HASHED))
                mstore(fill, keccak256(0x00, 0x42))
                mstore(add(fill, 0x20), 0)
                if iszero(receiver) { mstore(add(order, 0x40), owner) }
                {
                    let plain := mload(add(reading, PLAIN_TOKENS))
                    let at := add(order, 0x60)
                    mstore(at, or(mload(at), shl(160, and(shr(sell, plain), 1))))
                    at := add(order, 0x80)
                    mstore(at, or(mload(at), shl(160, and(shr(buy, plain), 1))))
                }
                if mload(add(reading, PENALISED)) {
                    let share := shr(240, calldataload(next))
                    next := add(next, 2)
                    shares := add(shares, share)
                    flags := or(flags, shl(SHARE_AT, share))
                }
                mstore(order, flags)

                switch and(flags, LONG_SIGNATURE)
                case 0 {
                    calldatacopy(add(order, 0x120), next, 0x40)
                    next := add(next, 0x40)
                }
                default {
                    let length := shr(240, calldataload(next))
                    next := add(next, 2)
                    mstore(add(order, 0x120), sub(next, section))
                    mstore(add(order, 0x140), length)
                    next := add(next, length)
                    mstore(add(reading, LONG_COUNT), add(mload(add(reading, LONG_COUNT)), 1))
                    mstore(add(reading, LONG_BYTES), add(mload(add(reading, LONG_BYTES)), length))
                }
                pos := next
                order := add(order, ORDER)
            }
            mstore(0x22, 0)
        }
        if (shares > WHOLE) revert ISettlement.NotCanonical(pos);
    }

    /// @dev Writes a payment for each of `legs` legs from `pos` on, and sums them up in the fills. Those that owners pay
    /// are written from the front and end at `owed`, the filler's from the back. The legs' hash is over digests:
    /// its words are put behind the payments, where the callback will overwrite them. Not `balanced` if
    /// a leg joins what does not fit.
    function _legs(uint256 pos, uint256 payments, uint256 legs, Reading memory reading)
        private
        pure
        returns (uint256 next, bytes32 legsHash, bool balanced, uint256 owed)
    {
        bytes32 notCanonical = ISettlement.NotCanonical.selector;
        uint256 words = payments + legs * PAYMENT;
        uint256 bad = 0;
        (next, owed) = (pos, payments);
        assembly ("memory-safe") {
            function refuse(selector, at) {
                mstore(0x00, selector)
                mstore(0x04, at)
                revert(0x00, 0x24)
            }

            // What comes from memory the optimizer keeps; the rest it would compute again wherever it is used.
            let fills := mload(add(reading, FILLS))
            let orders := mload(add(reading, ORDERS))
            let count := mload(sub(fills, 0x20))
            let back := words
            for {} lt(owed, back) {} {
                let head := calldataload(next)
                let amount := calldataload(add(next, 3))
                {
                    let width := byte(2, head)
                    if or(gt(width, 32), lt(byte(0, amount), gt(width, 0))) { refuse(notCanonical, next) }
                    amount := shr(sub(256, shl(3, width)), amount)
                    next := add(add(next, 3), width)
                }
                bad := or(bad, shr(128, amount))
                let from := byte(0, head)
                let to := byte(1, head)
                let payment
                switch lt(from, count)
                case 0 {
                    if or(xor(from, FILLER), iszero(lt(to, count))) { refuse(notCanonical, next) }
                    from := count
                    back := sub(back, PAYMENT)
                    payment := back
                    mstore(payment, or(mload(add(add(orders, mul(to, ORDER)), 0x80)), shl(168, count)))
                }
                default {
                    payment := owed
                    owed := add(owed, PAYMENT)
                    let token := mload(add(add(orders, mul(from, ORDER)), 0x60))
                    mstore(payment, or(token, shl(168, from)))
                    if lt(to, count) {
                        bad := or(bad, or(xor(token, mload(add(add(orders, mul(to, ORDER)), 0x80))), eq(from, to)))
                    }
                    let sold := add(add(fills, mul(from, FILL)), 0x20)
                    let sum := add(mload(sold), shl(128, amount))
                    mstore(sold, sum)
                    bad := or(bad, lt(sum, shl(128, amount)))
                }
                switch lt(to, count)
                case 0 {
                    if xor(to, FILLER) { refuse(notCanonical, next) }
                    to := count
                }
                default {
                    let bought := add(add(fills, mul(to, FILL)), 0x20)
                    let before := mload(bought)
                    let sum := add(before, amount)
                    mstore(bought, sum)
                    // A carry shows in the upper half.
                    bad := or(bad, shr(128, xor(before, sum)))
                }
                mstore(add(payment, 0x20), mload(add(add(orders, mul(from, ORDER)), 0x20)))
                mstore(add(payment, 0x40), mload(add(add(orders, mul(to, ORDER)), 0x40)))
                mstore(add(payment, 0x60), amount)
                mstore(words, mload(add(fills, mul(from, FILL))))
                mstore(add(words, 0x20), mload(add(fills, mul(to, FILL))))
                mstore(add(words, 0x40), amount)
                words := add(words, LEG)
            }
        }
        unchecked {
            uint256 hashed = payments + legs * PAYMENT;
            legsHash = hashed.hash(words - hashed);
            owed = (owed - payments) / PAYMENT;
            balanced = bad == 0;
        }
    }
}

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
/// gas, and what each bid is `saving` of the overhead because there are others. `unbilled` is the
/// gas that long signatures may cost the frame; `start` and `end` bound its call, in which `orders` are.
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
    uint256 shares;
    uint256 unbilled;
    uint256 orders;
    uint256 overhead;
    uint256 start;
    uint256 end;
}

/// @title Reads one bid of a batch into the calldata of its frame
/// @notice Reverts with NotCanonical, and so fails the batch, if the bytes are not the only encoding
/// of what they mean. Whether that may be settled is decided elsewhere.
library BidReader {
    using Cursor for uint256;
    using Memory for uint256;

    uint256 internal constant FILLER = 255;

    /// @dev Bytes of an intent's EIP-712 encoding, of an IBidFrame.Order and an IBidFrame.Payment.
    uint256 private constant HASHED = 384;
    uint256 private constant ORDER = 448;
    uint256 private constant PAYMENT = 160;
    /// @dev Bytes that a leg adds to what is hashed.
    uint256 private constant LEG = 96;
    /// @dev Bytes of the arguments' heads.
    uint256 private constant HEADS = 256;

    uint256 private constant HAS_RECEIVER = 4;
    uint256 private constant HAS_APP_DATA = 8;
    uint256 private constant LONG_SIGNATURE = 16;
    uint256 private constant FLAGS = 31;
    /// @dev Where an order's flags hold its share of the penalty, in basis points of WHOLE.
    uint256 private constant SHARE_AT = 16;
    uint256 private constant WHOLE = 10_000;

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
            uint256 heads = start + 32;
            start.set(uint256(uint32(IBidFrame.settleBid.selector)));
            (heads + 32).set(bid.filler);
            (heads + 64).set(bid.callbackGas);

            uint256 section = next + 1;
            uint256 orders = heads + HEADS;
            reading.orders = orders;
            (heads + 128).set(HEADS);
            bool long;
            (next, long) = _orders(next, orders, reading);
            uint256 sectionLength = long ? next - section : 0;

            uint256 payments = orders + 32 + uint256(orders.get()) * ORDER;
            (heads + 160).set(payments - heads);
            bool balanced;
            (next, bid.legsHash, balanced) = _legs(next, orders, payments, bid.filler);
            (heads + 96).set(balanced ? 1 : 0);

            uint256 callback = payments + 32 + uint256(payments.get()) * PAYMENT;
            (heads + 192).set(callback - heads);
            uint256 length = next.take(3);
            callback.set(length);
            (callback + 32).copy(next + 3, length);
            bid.callbackHash = (callback + 32).hash(length);
            next += 3 + length;
            reading.overhead = GasSchedule.overhead(uint256(orders.get()), uint256(payments.get()), length);

            uint256 tail = callback + 32 + ((length + 31) & ~uint256(31));
            (heads + 224).set(tail - heads);
            tail.set(sectionLength);
            (tail + 32).copy(section, sectionLength);

            reading.start = start + 28;
            reading.end = tail + 32 + sectionLength;
            Memory.keep((reading.end + 31) & ~uint256(31));
        }
    }

    /// @dev Makes of the orders, when their frame is done, the data of a log: the charge and the fills. They
    /// are shorter than the orders, so nothing is overwritten before it is read.
    function fills(Reading memory reading, uint256 charge) internal pure returns (uint256 start, uint256 length) {
        unchecked {
            uint256 order = reading.orders;
            uint256 count = uint256(order.get());
            start = order - 64;
            start.set(charge);
            (start + 32).set(uint256(64));
            order += 32;
            uint256 to = order;
            for (uint256 end = order + count * ORDER; order < end; order += ORDER) {
                (bytes32 id, bytes32 sold, bytes32 bought) = (order.get(), (order + 384).get(), (order + 416).get());
                to.set(id);
                (to + 32).set(sold);
                (to + 64).set(bought);
                to += 96;
            }
            length = to - start;
        }
    }

    /// @dev The owners of a bid's intents and their shares of its penalty in basis points.
    function owners(Reading memory reading) internal pure returns (address[] memory accounts, uint256[] memory shares) {
        uint256 order = reading.orders;
        uint256 count = uint256(order.get());
        (accounts, shares) = (new address[](count), new uint256[](count));
        order += 32;
        for (uint256 i = 0; i < count; ++i) {
            accounts[i] = address(uint160(uint256((order + 32).get())));
            shares[i] = uint256((order + 320).get()) >> SHARE_AT;
            order += ORDER;
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
            (reading.penalised, reading.shares, reading.unbilled) = (bid.penalty != 0, 0, 0);
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
            for (uint256 i = 0; i < count; ++i) {
                address token = next.addr();
                if (i != 0 && token <= last) revert ISettlement.NotCanonical(next);
                if (plain[token]) plainTokens |= 1 << i;
                if (token == filler) reading.fillerIsToken = true;
                last = token;
                next += 20;
            }
            reading.plainTokens = plainTokens;
        }
    }

    /// @dev Writes the count and the orders from `to`. `long` if one of them has a form-1 signature.
    function _orders(uint256 pos, uint256 to, Reading memory reading) private pure returns (uint256 next, bool long) {
        unchecked {
            uint256 count = pos.take(1);
            if (count == 0 || count == FILLER) revert ISettlement.NotCanonical(pos);
            to.set(count);
            next = pos + 1;
            uint256 section = next;
            uint256 flags = 0;
            to += 32;
            for (uint256 end = to + count * ORDER; to < end; to += ORDER) {
                flags |= next.take(1);
                next = _order(next, section, to, reading);
            }
            long = flags & LONG_SIGNATURE != 0;
        }
    }

    /// @dev Writes the words that are hashed, hashes them, and then puts in the place of those that the
    /// frame does not need what else it does: the id, the flags and the signature.
    function _order(uint256 pos, uint256 section, uint256 to, Reading memory reading)
        private
        pure
        returns (uint256 next)
    {
        unchecked {
            uint256 flags = pos.take(1);
            if (flags > FLAGS) revert ISettlement.NotCanonical(pos);
            address owner = (pos + 1).addr();
            to.set(Typehashes.INTENT);
            (to + 32).set(owner);
            next = _receiver(pos + 23, flags, to + 64);
            uint256 plainTokens = _pair(pos + 21, to + 96, reading);
            next = _amounts(next, to + 160);
            (to + 256).set(next.take(4));
            next += 4;
            (to + 288).set(flags & 1);
            (to + 320).set((flags >> 1) & 1);
            (to + 352).set(bytes32(0));
            if (flags & HAS_APP_DATA != 0) {
                bytes32 appData = next.word();
                if (appData == 0) revert ISettlement.NotCanonical(next);
                (to + 352).set(appData);
                next += 32;
            }

            to.set(Memory.typedDigest(reading.domain, to.hash(HASHED)));
            if (flags & HAS_RECEIVER == 0) (to + 64).set(owner);
            // Zero if the bid has no penalty.
            // slither-disable-next-line uninitialized-local
            uint256 share;
            if (reading.penalised) (share, next) = _share(next, reading);
            (to + 320).set(flags | plainTokens << 8 | share << SHARE_AT);
            (to + 384).set(uint256(0));
            (to + 416).set(uint256(0));
            if (flags & LONG_SIGNATURE == 0) {
                (to + 288).set(next.word());
                (to + 352).set((next + 32).word());
                return next + 64;
            }
            uint256 length = next.take(2);
            (to + 288).set(next + 2 - section);
            (to + 352).set(length);
            reading.unbilled += GasSchedule.LONG_SIGNATURE + GasSchedule.LONG_SIGNATURE_BYTE * length;
            return next + 2 + length;
        }
    }

    /// @dev What of the penalty is for the intent's owner. All shares together are no more than the whole.
    function _share(uint256 pos, Reading memory reading) private pure returns (uint256 share, uint256 next) {
        unchecked {
            share = pos.take(2);
            reading.shares += share;
            if (reading.shares > WHOLE) revert ISettlement.NotCanonical(pos);
            next = pos + 2;
        }
    }

    function _receiver(uint256 pos, uint256 flags, uint256 to) private pure returns (uint256 next) {
        unchecked {
            if (flags & HAS_RECEIVER == 0) {
                to.set(uint256(0));
                return pos;
            }
            address receiver = pos.addr();
            if (receiver == address(0)) revert ISettlement.NotCanonical(pos);
            to.set(receiver);
            return pos + 20;
        }
    }

    /// @dev Writes the sell and the buy token; bits 0 and 1 of the result say whether they are plain.
    function _pair(uint256 pos, uint256 to, Reading memory reading) private pure returns (uint256 plainTokens) {
        unchecked {
            uint256 sell = pos.take(1);
            uint256 buy = (pos + 1).take(1);
            uint256 count = reading.tokenCount;
            if (sell >= count || buy >= count) revert ISettlement.NotCanonical(pos);
            uint256 tokens = reading.tokens;
            to.set((tokens + 20 * sell).addr());
            (to + 32).set((tokens + 20 * buy).addr());
            uint256 plain = reading.plainTokens;
            plainTokens = ((plain >> sell) & 1) | ((plain >> buy) & 1) << 1;
        }
    }

    /// @dev Writes sell amount, buy amount and nonce.
    function _amounts(uint256 pos, uint256 to) private pure returns (uint256 next) {
        unchecked {
            uint256 value;
            (value, next) = pos.uintAt();
            to.set(value);
            (value, next) = next.uintAt();
            (to + 32).set(value);
            (value, next) = next.uintAt();
            (to + 64).set(value);
        }
    }

    /// @dev Writes the count and the payments from `to`, and sums them up in the orders. The filler has
    /// an order as well, of id zero, so that all legs are alike. The legs' hash is over digests: its
    /// words are put behind the payments, where the callback will overwrite them. Not `balanced` if
    /// a leg joins what does not fit.
    function _legs(uint256 pos, uint256 orders, uint256 to, address filler)
        private
        pure
        returns (uint256 next, bytes32 legsHash, bool balanced)
    {
        unchecked {
            uint256 count = pos.take(2);
            if (count == 0) revert ISettlement.NotCanonical(pos);
            to.set(count);
            next = pos + 2;
            to += 32;
            uint256 hashed = to + count * PAYMENT;
            uint256 fillers = _fillersOrder(hashed + count * LEG, filler);
            uint256 bad = 0;
            for (uint256 end = hashed; to < end; to += PAYMENT) {
                uint256 payer = _end(orders, fillers, next.take(1), next);
                uint256 payee = _end(orders, fillers, (next + 1).take(1), next);
                uint256 amount;
                (amount, next) = (next + 2).uintAt();
                hashed.set(payer.get());
                (hashed + 32).set(payee.get());
                (hashed + 64).set(amount);
                hashed += LEG;

                uint256 token = payer == fillers ? _token(payee, 128, 9) : _token(payer, 96, 8);
                if (payee != fillers) bad |= uint160(token) ^ uint256((payee + 128).get());
                if (payer == payee) {
                    if (payer == fillers) revert ISettlement.NotCanonical(next);
                    bad = 1;
                }
                bad |= (payer + 384).add(amount) | (payee + 416).add(amount);
                to.set(token);
                (to + 32).set((payer + 32).get());
                (to + 64).set((payee + 64).get());
                (to + 96).set(amount);
                (to + 128).set(payer.get());
            }
            legsHash = to.hash(count * LEG);
            balanced = bad == 0;
        }
    }

    /// @dev Writes the words of an order that legs of the filler touch.
    function _fillersOrder(uint256 to, address filler) private pure returns (uint256 order) {
        unchecked {
            to.set(uint256(0));
            (to + 32).set(filler);
            (to + 64).set(filler);
            (to + 384).set(uint256(0));
            (to + 416).set(uint256(0));
            return to;
        }
    }

    /// @dev The order at one end of a leg.
    function _end(uint256 orders, uint256 fillers, uint256 index, uint256 pos) private pure returns (uint256 order) {
        unchecked {
            if (index < uint256(orders.get())) return orders + 32 + index * ORDER;
            if (index != FILLER) revert ISettlement.NotCanonical(pos);
            return fillers;
        }
    }

    /// @dev An order's token, with the flag that says whether it is plain in bit 160.
    function _token(uint256 order, uint256 offset, uint256 flag) private pure returns (uint256 token) {
        unchecked {
            return uint256((order + offset).get()) | ((uint256((order + 320).get()) >> flag) & 1) << 160;
        }
    }
}

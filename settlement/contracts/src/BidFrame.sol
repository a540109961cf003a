// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "./interfaces/IBidFrame.sol";
import {IFiller} from "./interfaces/IFiller.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";
import {Limit} from "./libraries/Limit.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Nonces} from "./Nonces.sol";
import {PlainTokens} from "./PlainTokens.sol";
import {Transfers} from "./Transfers.sol";

/// @title BidFrame
/// @notice Everything that one bid does, in a call of its own. All is checked and all marks are made
/// before the first call to anybody else; the frame's revert takes the marks back.
abstract contract BidFrame is IBidFrame, PlainTokens, Nonces {
    uint256 private constant EXACT_OUT = 1;
    uint256 private constant PARTIALLY_FILLABLE = 2;
    uint256 private constant LONG_SIGNATURE = 16;

    /// @dev Gas to make the call of a filler once its data is in memory.
    uint256 private constant CALLBACK_RESERVE = 5_000;
    /// @dev Gas that a callback leaves to each of the filler's payments after it: enough for one in a plain token, or to find
    /// out that the filler is short. Else a filler that dislikes its bid could burn what they need.
    uint256 private constant PAYMENT_RESERVE = 80_000;

    /// @dev Bytes of an Order, a Fill and a Payment, and of the filler's place among the orders.
    uint256 private constant ORDER = 352;
    uint256 private constant FILL = 64;
    uint256 private constant PAYMENT = 128;
    uint256 private constant FILLERS_ORDER = 96;

    /// @inheritdoc IBidFrame
    function executeBid(Terms calldata terms) external {
        if (msg.sender != address(this)) revert OnlySelf();
        if (!terms.balanced) revert LegMismatch();

        (Fill[] calldata fills, Order[] calldata orders, Payment[] calldata payments) = _lists(terms);
        (bytes calldata callback, bytes calldata section) = _bytes(terms, payments);
        uint256 contracts = _verifyAll(terms.bid, fills, orders, section);
        if (contracts != 0) _askContracts(orders, fills, contracts, section);

        uint256 owed = terms.owed;
        _pay(payments, 0, owed, fills);
        if (terms.callbackGas != 0) _callFiller(terms, callback);
        _pay(payments, owed, payments.length, fills);
    }

    /// @dev The lists that follow the terms.
    function _lists(Terms calldata terms)
        private
        pure
        returns (Fill[] calldata fills, Order[] calldata orders, Payment[] calldata payments)
    {
        uint256 intents = terms.intents;
        uint256 legs = terms.payments;
        assembly ("memory-safe") {
            fills.offset := add(terms, 0x120)
            fills.length := intents
            orders.offset := add(fills.offset, mul(FILL, add(intents, 1)))
            orders.length := intents
            payments.offset := add(orders.offset, add(mul(ORDER, intents), FILLERS_ORDER))
            payments.length := legs
        }
    }

    // A position and a length, which are taken for one variable.
    // slither-disable-start write-after-write
    /// @dev The bytes that follow the lists.
    function _bytes(Terms calldata terms, Payment[] calldata payments)
        private
        pure
        returns (bytes calldata callback, bytes calldata section)
    {
        (uint256 callbackLength, uint256 sectionLength) = (terms.callback, terms.section);
        assembly ("memory-safe") {
            callback.offset := add(payments.offset, mul(PAYMENT, payments.length))
            callback.length := callbackLength
            section.offset := add(callback.offset, and(add(callbackLength, 31), not(31)))
            section.length := sectionLength
        }
    }

    // slither-disable-end write-after-write

    /// @dev The bits of the intents whose owners' contracts have to be asked. The writer of both lists is this contract,
    /// so they are walked without looking at their ends again.
    function _verifyAll(bytes32 bid, Fill[] calldata fills, Order[] calldata orders, bytes calldata section)
        private
        returns (uint256 contracts)
    {
        Fill calldata fill;
        Order calldata order;
        assembly ("memory-safe") {
            fill := fills.offset
            order := orders.offset
        }
        unchecked {
            for (uint256 i = 0; i < orders.length; ++i) {
                if (!_verify(bid, order, fill, section)) contracts |= 1 << i;
                assembly ("memory-safe") {
                    fill := add(fill, FILL)
                    order := add(order, ORDER)
                }
            }
        }
    }

    /// @dev Makes the payments from `first` until `end`.
    function _pay(Payment[] calldata payments, uint256 first, uint256 end, Fill[] calldata fills) private {
        Payment calldata payment;
        assembly ("memory-safe") {
            payment := add(payments.offset, shl(7, first))
        }
        unchecked {
            for (; first < end; ++first) {
                Transfers.pay(payment, fills, isPlainToken);
                assembly ("memory-safe") {
                    payment := add(payment, PAYMENT)
                }
            }
        }
    }

    /// @dev Checks an intent and marks its fill. False if only its owner's contract can tell whether
    /// the signature is good.
    function _verify(bytes32 bid, Order calldata order, Fill calldata fill, bytes calldata section)
        private
        returns (bool signed)
    {
        bytes32 id = fill.intent;
        // Deadlines are in seconds, of which a block's author can shift a few.
        // slither-disable-next-line timestamp
        if (block.timestamp > order.validTo) revert IntentExpired(id);
        (uint256 sold, uint256 bought) = (fill.amounts >> 128, uint128(fill.amounts));
        if (sold == 0 || bought == 0) revert EmptyFill(id);
        (uint256 sellAmount, uint256 buyAmount) = (order.sellAmount, order.buyAmount);
        if (!Limit.holds(sold, bought, sellAmount, buyAmount)) revert LimitBroken(id);

        address owner = address(uint160(order.owner));
        uint256 flags = order.flags;
        (uint256 amount, uint256 cap) = flags & EXACT_OUT == 0 ? (sold, sellAmount) : (bought, buyAmount);
        if (flags & PARTIALLY_FILLABLE == 0) _fillWhole(id, owner, order.nonce, amount, cap);
        else _fillPart(bid, id, owner, order.nonce, amount, cap);

        // Zero is what recovery gives when it fails, so it can be nobody's account.
        if (owner == address(0)) revert BadSignature(id);
        if (flags & LONG_SIGNATURE != 0) {
            return Signatures.recover(id, _signature(order, section)) == owner;
        }
        if (Signatures.recover(id, order.r, order.vs) != owner) revert BadSignature(id);
        return true;
    }

    function _signature(Order calldata order, bytes calldata section) private pure returns (bytes calldata) {
        uint256 pos = uint256(order.r);
        return section[pos:pos + uint256(order.vs)];
    }

    function _askContracts(Order[] calldata orders, Fill[] calldata fills, uint256 contracts, bytes calldata section)
        private
        view
    {
        for (uint256 i = 0; i < orders.length; ++i) {
            if (contracts >> i & 1 == 0) continue;
            address owner = address(uint160(orders[i].owner));
            bytes32 id = fills[i].intent;
            if (!Signatures.acceptedBy(owner, id, _signature(orders[i], section))) revert BadSignature(id);
        }
    }

    /// @dev The callback has all of its signed gas or is not called: a solver does not answer for
    /// gas that it was not given.
    function _callFiller(Terms calldata terms, bytes calldata callback) private {
        bytes memory data = abi.encodeCall(IFiller.fill, (terms.bid, callback));
        uint256 reserve = CALLBACK_RESERVE + PAYMENT_RESERVE * (terms.payments - terms.owed);
        uint256 available = BoundedCall.available(reserve);
        if (available < terms.callbackGas) revert CallbackGasUnavailable(available);
        if (!BoundedCall.call(terms.filler, terms.callbackGas, data)) revert CallbackFailed();
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "./interfaces/IBidFrame.sol";
import {IFiller} from "./interfaces/IFiller.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";
import {Limit} from "./libraries/Limit.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Nonces} from "./Nonces.sol";
import {Transfers} from "./Transfers.sol";

/// @title BidFrame
/// @notice Everything that one bid does, in a call of its own. All is checked and all marks are made
/// before the first call to anybody else; the frame's revert takes the marks back.
abstract contract BidFrame is IBidFrame, Nonces {
    uint256 private constant EXACT_OUT = 1;
    uint256 private constant PARTIALLY_FILLABLE = 2;
    uint256 private constant LONG_SIGNATURE = 16;

    /// @dev Gas to make the call of a filler once its data is in memory.
    uint256 private constant CALLBACK_RESERVE = 5_000;

    /// @inheritdoc IBidFrame
    function settleOne(
        Terms calldata terms,
        Fill[] calldata fills,
        Order[] calldata orders,
        Payment[] calldata payments,
        bytes calldata callback,
        bytes calldata section
    ) external {
        if (msg.sender != address(this)) revert OnlySelf();
        if (!terms.balanced) revert LegMismatch();

        uint256 contracts = _verifyAll(terms.bid, fills, orders, section);
        if (contracts != 0) _askContracts(orders, fills, contracts, section);

        uint256 owed = terms.owed;
        _pay(payments, 0, owed, fills);
        if (terms.callbackGas != 0) _callFiller(terms, callback);
        _pay(payments, owed, payments.length, fills);
    }

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
                    fill := add(fill, 0x60)
                    order := add(order, 0x160)
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
                Transfers.pay(payment, fills);
                assembly ("memory-safe") {
                    payment := add(payment, 0x80)
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
        (uint256 sold, uint256 bought) = (fill.sold, fill.bought);
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
        uint256 available = BoundedCall.available(CALLBACK_RESERVE);
        if (available < terms.callbackGas) revert CallbackGasUnavailable(available);
        if (!BoundedCall.call(terms.filler, terms.callbackGas, data)) revert CallbackFailed();
    }
}

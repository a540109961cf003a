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
    function settleBid(
        bytes32 bid,
        address filler,
        uint256 callbackGas,
        bool balanced,
        Order[] calldata orders,
        Payment[] calldata payments,
        bytes calldata callback,
        bytes calldata section
    ) external {
        if (msg.sender != address(this)) revert OnlySelf();
        if (!balanced) revert LegMismatch();

        uint256 contracts = 0;
        for (uint256 i = 0; i < orders.length; ++i) {
            if (!_verify(bid, orders[i], section)) contracts |= 1 << i;
        }
        if (contracts != 0) _askContracts(orders, contracts, section);

        uint256 paid = 0;
        for (uint256 k = 0; k < payments.length; ++k) {
            Payment calldata payment = payments[k];
            if (payment.intent == 0) continue;
            Transfers.pay(payment);
            ++paid;
        }
        if (callbackGas != 0) _callFiller(bid, filler, callbackGas, callback);
        if (paid == payments.length) return;
        for (uint256 k = 0; k < payments.length; ++k) {
            Payment calldata payment = payments[k];
            if (payment.intent == 0) Transfers.pay(payment);
        }
    }

    /// @dev Checks an intent and marks its fill. False if only its owner's contract can tell whether
    /// the signature is good.
    function _verify(bytes32 bid, Order calldata order, bytes calldata section) private returns (bool signed) {
        bytes32 id = order.id;
        // Deadlines are in seconds, of which a block's author can shift a few.
        // slither-disable-next-line timestamp
        if (block.timestamp > order.validTo) revert IntentExpired(id);
        (uint256 sold, uint256 bought) = (order.sold, order.bought);
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

    function _askContracts(Order[] calldata orders, uint256 contracts, bytes calldata section) private view {
        for (uint256 i = 0; i < orders.length; ++i) {
            if (contracts >> i & 1 == 0) continue;
            Order calldata order = orders[i];
            address owner = address(uint160(order.owner));
            if (!Signatures.acceptedBy(owner, order.id, _signature(order, section))) revert BadSignature(order.id);
        }
    }

    /// @dev The callback has all of its signed gas or is not called: a solver does not answer for
    /// gas that it was not given.
    function _callFiller(bytes32 bid, address filler, uint256 callbackGas, bytes calldata callback) private {
        bytes memory data = abi.encodeCall(IFiller.fill, (bid, callback));
        uint256 available = BoundedCall.available(CALLBACK_RESERVE);
        if (available < callbackGas) revert CallbackGasUnavailable(available);
        if (!BoundedCall.call(filler, callbackGas, data)) revert CallbackFailed();
    }
}

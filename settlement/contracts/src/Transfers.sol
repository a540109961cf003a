// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "./interfaces/IBidFrame.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";

/// @title Transfers
/// @notice Moves what a leg asks for or reverts with the error that says whose fault it is.
library Transfers {
    uint256 internal constant PLAIN = 1 << 160;

    function pay(IBidFrame.Payment calldata payment) internal {
        uint256 word = payment.token;
        address token = address(uint160(word));
        address from = address(uint160(payment.from));
        address to = address(uint160(payment.to));
        uint256 amount = payment.amount;
        if (word & PLAIN == 0) return _payMeasured(token, from, to, amount);
        (bool ok, bool reverted) = _transferFrom(token, from, to, amount);
        if (!ok) _fail(token, from, amount, payment.intent, reverted);
    }

    /// @dev A token that may move less than it is told: what counts is what arrives.
    function _payMeasured(address token, address from, address to, uint256 amount) private {
        (bool known, uint256 before) = balanceOf(token, to);
        if (!known) revert IBidFrame.TransferFailed(token);
        (bool ok,) = _transferFrom(token, from, to, amount);
        if (!ok) revert IBidFrame.TransferFailed(token);
        uint256 afterwards;
        (known, afterwards) = balanceOf(token, to);
        if (!known || afterwards < before || afterwards - before < amount) revert IBidFrame.TransferShort(token);
    }

    function balanceOf(address token, address account) internal view returns (bool known, uint256 balance) {
        return BoundedCall.view_(token, BoundedCall.VIEW_GAS, abi.encodeWithSelector(0x70a08231, account));
    }

    function allowanceOf(address token, address owner) internal view returns (bool known, uint256 allowance) {
        bytes memory question = abi.encodeWithSelector(0xdd62ed3e, owner, address(this));
        return BoundedCall.view_(token, BoundedCall.VIEW_GAS, question);
    }

    /// @dev `ok` as the safe-transfer libraries have it: the token returned true, or it has code and
    /// returned nothing. They do not say whether it `reverted`, and the search for fault must know.
    function _transferFrom(address token, address from, address to, uint256 amount)
        private
        returns (bool ok, bool reverted)
    {
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, shl(224, 0x23b872dd))
            mstore(add(data, 0x04), from)
            mstore(add(data, 0x24), to)
            mstore(add(data, 0x44), amount)
            reverted := iszero(call(gas(), token, 0, data, 0x64, 0x00, 0x20))
            switch returndatasize()
            case 0 { ok := and(iszero(reverted), gt(extcodesize(token), 0)) }
            default { ok := and(iszero(reverted), and(gt(returndatasize(), 0x1f), eq(mload(0x00), 1))) }
        }
    }

    /// @dev Only a plain token is believed, and only if its revert undid whatever it had moved. A
    /// probe without an answer, for want of gas perhaps, blames nobody.
    function _fail(address token, address payer, uint256 amount, bytes32 intent, bool reverted) private view {
        if (!reverted) revert IBidFrame.TransferFailed(token);
        (bool known, uint256 funds) = balanceOf(token, payer);
        bool short = known && funds < amount;
        // Both answers went into `short`.
        // slither-disable-next-line write-after-write
        (known, funds) = allowanceOf(token, payer);
        short = short || (known && funds < amount);
        if (!short) revert IBidFrame.TransferFailed(token);
        if (intent == 0) revert IBidFrame.FillerShort(token);
        revert IBidFrame.OwnerShort(intent);
    }
}

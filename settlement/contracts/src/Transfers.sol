// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBidFrame} from "./interfaces/IBidFrame.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";

/// @title Transfers
/// @notice Moves what a leg asks for or reverts with the error that says whose fault it is.
library Transfers {
    uint256 private constant PLAIN = 1 << 160;
    uint256 private constant PAYER_AT = 168;

    function pay(
        IBidFrame.Payment calldata payment,
        IBidFrame.Fill[] calldata fills,
        mapping(address => bool) storage plain
    ) internal {
        uint256 word = payment.token;
        if (word & PLAIN == 0) _payMeasured(payment, fills, plain);
        else _move(address(uint160(word)), payment, fills, plain);
    }

    /// @dev A token that is not known to be plain may move less than it is told: what counts is what arrives.
    function _payMeasured(
        IBidFrame.Payment calldata payment,
        IBidFrame.Fill[] calldata fills,
        mapping(address => bool) storage plain
    ) private {
        address token = address(uint160(payment.token));
        uint256 before = _measure(token, payment);
        _move(token, payment, fills, plain);
        uint256 afterwards = _measure(token, payment);
        if (afterwards < before || afterwards - before < payment.amount) revert IBidFrame.TransferShort(token);
    }

    /// @dev Who is not told in advance that a token is plain finds it on the list, when the token has failed.
    function _move(
        address token,
        IBidFrame.Payment calldata payment,
        IBidFrame.Fill[] calldata fills,
        mapping(address => bool) storage plain
    ) private {
        (bool ok, bool reverted) = _transferFrom(token, payment);
        if (!ok) _fail(token, payment, fills, reverted && plain[token]);
    }

    function _measure(address token, IBidFrame.Payment calldata payment) private view returns (uint256 balance) {
        bool known;
        (known, balance) = balanceOf(token, address(uint160(payment.to)));
        if (!known) revert IBidFrame.TransferFailed(token);
    }

    function balanceOf(address token, address account) internal view returns (bool known, uint256 funds) {
        uint256 cap = BoundedCall.VIEW_GAS;
        assembly ("memory-safe") {
            mstore(0x00, shl(224, 0x70a08231))
            mstore(0x04, account)
            known := staticcall(cap, token, 0x00, 0x24, 0x00, 0x20)
            known := and(known, gt(returndatasize(), 0x1f))
            funds := mul(known, mload(0x00))
        }
    }

    function allowanceOf(address token, address owner) internal view returns (bool known, uint256 allowance) {
        bytes memory question = abi.encodeWithSelector(0xdd62ed3e, owner, address(this));
        return BoundedCall.view_(token, BoundedCall.VIEW_GAS, question);
    }

    /// @dev `ok` as the safe-transfer libraries have it: the token returned true, or it has code and
    /// returned nothing. They do not say whether it `reverted`, and the search for fault must know.
    function _transferFrom(address token, IBidFrame.Payment calldata payment) private returns (bool ok, bool reverted) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, shl(224, 0x23b872dd))
            // From, to and amount are the arguments, word for word.
            calldatacopy(add(data, 0x04), add(payment, 0x20), 0x60)
            reverted := iszero(call(gas(), token, 0, data, 0x64, 0x00, 0x20))
            switch returndatasize()
            case 0 { ok := and(iszero(reverted), gt(extcodesize(token), 0)) }
            default { ok := and(iszero(reverted), and(gt(returndatasize(), 0x1f), eq(mload(0x00), 1))) }
        }
    }

    /// @dev A token is `believed` if it is plain, and its revert undid whatever it had moved. A probe without an
    /// answer, for want of gas perhaps, blames nobody.
    function _fail(address token, IBidFrame.Payment calldata payment, IBidFrame.Fill[] calldata fills, bool believed)
        private
        view
    {
        if (!believed) revert IBidFrame.TransferFailed(token);
        address payer = address(uint160(payment.from));
        (bool known, uint256 funds) = balanceOf(token, payer);
        bool short = known && funds < payment.amount;
        // Both answers went into `short`.
        // slither-disable-next-line write-after-write
        (known, funds) = allowanceOf(token, payer);
        short = short || (known && funds < payment.amount);
        if (!short) revert IBidFrame.TransferFailed(token);
        uint256 index = payment.token >> PAYER_AT;
        if (index == fills.length) revert IBidFrame.FillerShort(token);
        revert IBidFrame.OwnerShort(fills[index].intent);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";
import {IBidFrame} from "./interfaces/IBidFrame.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";

/// @dev A transfer that a leg asks for. `intent` is the payer's; zero if the filler pays.
struct Payment {
    address token;
    bool plain;
    bytes32 intent;
    address from;
    address to;
    uint256 amount;
}

/// @title Transfers
/// @notice Moves what a leg asks for or reverts with the error that says whose fault it is.
library Transfers {
    function pay(Payment memory payment) internal {
        (address token, address to, uint256 amount) = (payment.token, payment.to, payment.amount);
        if (payment.plain) {
            if (!SafeTransferLib.trySafeTransferFrom(token, payment.from, to, amount)) _fail(payment);
            return;
        }
        (bool known, uint256 before) = balanceOf(token, to);
        if (!known || !SafeTransferLib.trySafeTransferFrom(token, payment.from, to, amount)) {
            revert IBidFrame.TransferFailed(token);
        }
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

    /// @dev Only a plain token is believed. A probe without an answer, for want of gas perhaps,
    /// blames nobody.
    function _fail(Payment memory payment) private view {
        (bool known, uint256 funds) = balanceOf(payment.token, payment.from);
        bool short = known && funds < payment.amount;
        (known, funds) = allowanceOf(payment.token, payment.from);
        short = short || (known && funds < payment.amount);
        if (!short) revert IBidFrame.TransferFailed(payment.token);
        if (payment.intent == 0) revert IBidFrame.FillerShort(payment.token);
        revert IBidFrame.OwnerShort(payment.intent);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {INonces} from "./INonces.sol";

/// @title The frame that settles one bid, apart from the others of its batch
interface IBidFrame is INonces {
    /// @notice An intent as the outer frame hands it on: the twelve words that were hashed, those that
    /// are not needed any more replaced by others, and its fill. Accounts are whole words because
    /// the writer is this contract: there is nothing for the ABI decoder to find wrong.
    /// @param id The intent's EIP-712 digest.
    /// @param receiver The owner if the signed receiver is zero.
    /// @param r With `vs` a compact signature; in form 1, the signature's position in the section.
    /// @param flags The flag bits of the batch format; bit 8 and 9: sell and buy token are plain.
    /// @param vs See `r`; in form 1 the signature's length.
    /// @param sold The sum of the legs from the intent.
    /// @param bought The sum of the legs to it.
    struct Order {
        bytes32 id;
        uint256 owner;
        uint256 receiver;
        uint256 sellToken;
        uint256 buyToken;
        uint256 sellAmount;
        uint256 buyAmount;
        uint256 nonce;
        uint256 validTo;
        bytes32 r;
        uint256 flags;
        bytes32 vs;
        uint256 sold;
        uint256 bought;
    }

    /// @notice A leg with its ends resolved to accounts.
    /// @param token In bit 160: whether the token is plain.
    /// @param intent The digest of the paying intent; zero if the filler pays.
    struct Payment {
        uint256 token;
        uint256 from;
        uint256 to;
        uint256 amount;
        bytes32 intent;
    }

    /// @notice Only Settlement itself may open a bid's frame.
    error OnlySelf();
    /// @notice Reason of a failed bid: it is past its `validUntil`.
    error BidExpired();
    /// @notice Reason of a failed bid: the solver has used this bid nonce.
    error BidNonceUsed();
    /// @notice Reason of a failed bid: a token or Settlement is named as filler.
    error ForbiddenFiller();
    /// @notice Reason of a failed bid: its frame ran out of the gas that the solver signed.
    error BidOutOfGas();
    /// @notice Reason of a failed bid: a leg joins an intent with itself or with one that does not
    /// trade the same token, or the legs of an intent add up to more than a number can hold.
    error LegMismatch();
    /// @notice Reason of a failed bid: nothing is sold or nothing is bought for an intent.
    error EmptyFill(bytes32 intent);
    /// @notice Reason of a failed bid: an intent is past its `validTo`.
    error IntentExpired(bytes32 intent);
    /// @notice Reason of a failed bid: a fill is worse than the intent's limit.
    error LimitBroken(bytes32 intent);
    /// @notice Reason of a failed bid: an intent is not signed by its owner.
    error BadSignature(bytes32 intent);
    /// @notice Reason of a failed bid, solver's fault: the filler's callback failed.
    error CallbackFailed();
    /// @notice Reason of a failed bid: too little of its gas was left to give the callback its own.
    error CallbackGasUnavailable(uint256 available);
    /// @notice Reason of a failed bid, solver's fault: the filler lacks balance or approval.
    error FillerShort(address token);
    /// @notice Reason of a failed bid, owner's fault: an intent's owner lacks balance or approval.
    error OwnerShort(bytes32 intent);
    /// @notice Reason of a failed bid: a transfer failed, and not for want of the payer's funds.
    error TransferFailed(address token);
    /// @notice Reason of a failed bid: less than the leg's amount arrived at the receiver.
    error TransferShort(address token);

    /// @notice Settles one bid whose solver is authorised already. Only Settlement itself may call,
    /// with the bid's signed gas; whatever goes wrong inside is undone with the frame.
    /// @param bid The bid's EIP-712 digest.
    /// @param balanced Whether each leg joins the same token and no sum of legs overflows.
    /// @param section The calldata of the bid's intents, if one of them has a form-1 signature.
    function settleBid(
        bytes32 bid,
        address filler,
        uint256 callbackGas,
        bool balanced,
        Order[] calldata orders,
        Payment[] calldata payments,
        bytes calldata callback,
        bytes calldata section
    ) external;
}

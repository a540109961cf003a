// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {INonces} from "./INonces.sol";

/// @title The frame that settles one bid, apart from the others of its batch
interface IBidFrame is INonces {
    /// @notice How much was sold and bought for an intent, which its EIP-712 digest names.
    /// @param amounts What was sold in the upper 128 bits, what was bought in the lower.
    struct Fill {
        bytes32 intent;
        uint256 amounts;
    }

    /// @notice What a frame has to know of its bid. Its lists follow in the calldata: a fill for each intent and one
    /// for the filler, which is empty; an order for each intent and 96 bytes for the filler; the payments; the
    /// callback, padded to words; the section. Their writer is this contract, so there is no offset or length to distrust.
    /// @param bid The bid's EIP-712 digest.
    /// @param balanced Whether each leg joins the same token and no sum of legs exceeds 128 bits.
    /// @param owed How many of the payments are the owners'. They come first.
    /// @param section The bytes of the calldata of the bid's intents, zero if none of them has a form-1 signature.
    struct Terms {
        bytes32 bid;
        address filler;
        uint256 callbackGas;
        bool balanced;
        uint256 owed;
        uint256 payments;
        uint256 callback;
        uint256 section;
        uint256 intents;
    }

    /// @notice An intent as the outer frame hands it on: words that were hashed, and those that are not needed any more
    /// replaced by others. Accounts are whole words because the writer is this contract: there is
    /// nothing for the ABI decoder to find wrong.
    /// @param flags The flag bits of the batch format; from bit 16 on its share of the penalty.
    /// @param receiver The owner if the signed receiver is zero.
    /// @param sellToken In bit 160: whether it need not be measured, being plain; so for `buyToken`.
    /// @param r With `vs` a compact signature; in form 1, the signature's position in the section.
    /// @param vs See `r`; in form 1 the signature's length.
    struct Order {
        uint256 flags;
        uint256 owner;
        uint256 receiver;
        uint256 sellToken;
        uint256 buyToken;
        uint256 sellAmount;
        uint256 buyAmount;
        uint256 nonce;
        uint256 validTo;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice A leg with its ends resolved to accounts.
    /// @param token In bit 160: whether the token need not be measured; from bit 168 on: whose it is, an intent's index or, if it
    /// is the filler's, their number.
    struct Payment {
        uint256 token;
        uint256 from;
        uint256 to;
        uint256 amount;
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
    /// trade the same token, or the legs from or to an intent add up to more than 2^128 - 1.
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
    /// with the bid's signed gas; whatever goes wrong inside is undone with the frame. Its name makes its
    /// selector the smallest, which is the first that is compared: each bid calls it.
    function executeBid(Terms calldata terms) external;
}

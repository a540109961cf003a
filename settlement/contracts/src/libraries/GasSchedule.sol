// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What a bid is charged besides the gas of its frame
/// @notice The outer frame is not measured, because the settler could make it cost more. Its costs are
/// charged by what the solver signed: upper bounds of what honest bytes cost, which the gas tests
/// hold against whole transactions.
library GasSchedule {
    /// @dev Commit and reveal with nothing in the batch: both transactions' 21,000, lane, logs, head.
    uint256 internal constant BATCH = 72_000;
    /// @dev A bid's head: calldata, ecrecover, the solver's account and nonce word, the charge, its log.
    uint256 internal constant BID = 22_000;
    /// @dev The first bid in a word of its solver's nonces.
    uint256 internal constant NONCE_WORD = 17_100;
    /// @dev An intent: its calldata with every optional field, its digest, its part of the log.
    uint256 internal constant INTENT = 5_000;
    /// @dev A leg: its calldata, its part of the legs' hash, its payment.
    uint256 internal constant LEG = 1_000;
    /// @dev A byte of callback data: calldata, copied and hashed.
    uint256 internal constant BYTE = 17;
    /// @dev Long callback data can make the reveal pay by EIP-7623's floor, 40 gas for each of its bytes.
    uint256 internal constant LONG_BYTE = 42;
    uint256 internal constant LONG = 1_024;

    /// @dev Taking a penalty: the bond, the shares' hash, the log; and for each intent.
    uint256 internal constant PENALTY = 40_000;
    uint256 internal constant PENALTY_SHARE = 900;

    /// @dev What form 1 of an intent's signature may cost in the frame beyond form 0. Its bytes are not signed by
    /// the solver, so nothing that grows with them is charged.
    uint256 internal constant LONG_SIGNATURE = 1_500;
    uint256 internal constant LONG_SIGNATURE_BYTE = 4;

    function penalty(uint256 shares) internal pure returns (uint256 gas_) {
        return PENALTY + PENALTY_SHARE * shares;
    }

    function longSignatures(uint256 count, uint256 length) internal pure returns (uint256 gas_) {
        return LONG_SIGNATURE * count + LONG_SIGNATURE_BYTE * length;
    }

    function overhead(uint256 intents, uint256 legs, uint256 callbackBytes) internal pure returns (uint256 gas_) {
        gas_ = BATCH + BID + INTENT * intents + LEG * legs + BYTE * callbackBytes;
        if (callbackBytes > LONG) gas_ += (LONG_BYTE - BYTE) * (callbackBytes - LONG);
    }
}

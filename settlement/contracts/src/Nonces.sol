// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LibTransient} from "solady/utils/LibTransient.sol";
import {INonces} from "./interfaces/INonces.sol";

/// @title Nonces
/// @notice One bit for every intent that is done, in an unordered bitmap per owner, and an amount
/// for every intent that is filled in parts.
abstract contract Nonces is INonces {
    using LibTransient for LibTransient.TBytes32;

    /// @dev A struct, so that its slot is computed once to read and to write it.
    struct Word {
        uint256 bits;
    }

    /// @inheritdoc INonces
    mapping(address owner => mapping(uint256 word => Word)) public nonces;

    /// @inheritdoc INonces
    mapping(bytes32 intent => uint256 amount) public filled;

    /// @inheritdoc INonces
    function invalidateNonces(uint256 word, uint256 mask) external {
        nonces[msg.sender][word].bits |= mask;
        emit NoncesInvalidated(msg.sender, word, mask);
    }

    /// @dev An intent that is not partially fillable is done with its first fill.
    function _fillWhole(bytes32 intent, address owner, uint256 nonce, uint256 amount, uint256 cap) internal {
        if (amount != cap) revert InexactFill(intent);
        _fill(intent, owner, nonce, true);
    }

    /// @dev Until it is full, a partially fillable intent only needs its bit to be clear. Its bit can
    /// then not show that it occurs twice in a bid, so it is marked with the bid while that lasts.
    function _fillPart(bytes32 bid, bytes32 intent, address owner, uint256 nonce, uint256 amount, uint256 cap)
        internal
    {
        LibTransient.TBytes32 storage seenIn = LibTransient.tBytes32(intent);
        if (seenIn.get() == bid) revert DuplicateIntent(intent);
        seenIn.set(bid);

        uint256 before = filled[intent];
        if (amount > cap - before) revert Overfilled(intent);
        filled[intent] = before + amount;
        _fill(intent, owner, nonce, before + amount == cap);
    }

    function _fill(bytes32 intent, address owner, uint256 nonce, bool done) private {
        Word storage word = nonces[owner][nonce >> 8];
        uint256 bits = word.bits;
        uint256 bit = 1 << (nonce & 0xff);
        if (bits & bit != 0) revert NonceUsed(intent);
        if (done) word.bits = bits | bit;
    }
}

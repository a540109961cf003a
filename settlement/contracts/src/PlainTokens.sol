// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {IPlainTokens} from "./interfaces/IPlainTokens.sol";

/// @title PlainTokens
/// @notice Which tokens move exactly what they are told.
abstract contract PlainTokens is IPlainTokens, Ownable {
    /// @inheritdoc IPlainTokens
    mapping(address token => bool plain) public isPlainToken;

    /// @inheritdoc IPlainTokens
    function setPlainToken(address token, bool plain) external onlyOwner {
        isPlainToken[token] = plain;
        emit PlainTokenSet(token, plain);
    }
}

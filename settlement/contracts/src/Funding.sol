// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "./interfaces/ISettlement.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";
import {Nonces} from "./Nonces.sol";
import {Transfers} from "./Transfers.sol";

/// @title Funding
/// @notice How much of each intent could be pulled now.
abstract contract Funding is ISettlement, Nonces {
    /// @inheritdoc ISettlement
    function fundable(Query[] calldata queries) external view returns (Funds[] memory funds) {
        funds = new Funds[](queries.length);
        for (uint256 i = 0; i < queries.length; ++i) {
            Query calldata query = queries[i];
            // A call cut short for want of our own gas would read as an owner without funds.
            uint256 available = BoundedCall.available(2 * BoundedCall.VIEW_GAS);
            if (available < BoundedCall.VIEW_GAS) revert InsufficientGas(BoundedCall.VIEW_GAS, available);
            // What cannot be read counts as nothing.
            // slither-disable-next-line unused-return
            (, funds[i].balance) = Transfers.balanceOf(query.token, query.owner);
            // slither-disable-next-line unused-return
            (, funds[i].allowance) = Transfers.allowanceOf(query.token, query.owner);
            funds[i].filled = filled[query.digest];
            funds[i].nonceUsed = nonces[query.owner][query.nonce >> 8].bits >> (query.nonce & 0xff) & 1 != 0;
        }
    }
}

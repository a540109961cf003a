// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/auth/Ownable.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";
import {IFiller} from "./interfaces/IFiller.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";

/// @title InventoryFiller
/// @notice The simplest filler: it holds a solver's inventory, and bids are filled from that alone.
/// Settlement pulls from it only what a bid signed by the solver it is bound to says.
contract InventoryFiller is IFiller, Ownable {
    /// @notice Somebody else than Settlement called `fill`.
    error OnlySettlement();

    /// @notice The only contract that may pull tokens or call `fill`.
    ISettlement public immutable settlement;

    constructor(address owner, ISettlement settlement_) {
        _initializeOwner(owner);
        settlement = settlement_;
    }

    /// @notice Binds this filler to a solver; zero unbinds it.
    function bind(address solver) external onlyOwner {
        settlement.bindFiller(solver);
    }

    /// @notice Lets Settlement pull up to `amount` of a token.
    // This is no token, and nobody waits for an answer.
    // slither-disable-next-line erc20-interface
    function approve(address token, uint256 amount) external onlyOwner {
        SafeTransferLib.safeApproveWithRetry(token, address(settlement), amount);
    }

    /// @notice Takes tokens out of the inventory.
    function withdraw(address token, address to, uint256 amount) external onlyOwner {
        SafeTransferLib.safeTransfer(token, to, amount);
    }

    /// @inheritdoc IFiller
    /// @dev The inventory is here already; nothing needs doing before the legs pull from it.
    function fill(bytes32, bytes calldata) external view {
        if (msg.sender != address(settlement)) revert OnlySettlement();
    }
}

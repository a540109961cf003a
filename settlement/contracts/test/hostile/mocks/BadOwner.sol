// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Door} from "./Intruder.sol";
import {Puppet} from "./Puppet.sol";

/// @dev An owner that is a contract and answers ERC-1271 as its mode says.
contract BadOwner is Puppet {
    enum Mode {
        Accepts,
        Refuses,
        Reverts,
        BurnsGas,
        UsesGas,
        AnswersAtLength,
        RevertsWithMegabyte,
        Knocks
    }

    bytes4 private constant MAGIC = 0x1626ba7e;

    Mode private _mode;
    uint256 private _amount;

    function behave(Mode mode) external {
        _mode = mode;
    }

    /// @dev Accepts after it has used so much gas.
    function useGas(uint256 amount) external {
        (_mode, _amount) = (Mode.UsesGas, amount);
    }

    /// @dev Accepts in an answer of so many bytes.
    function answerAtLength(uint256 length) external {
        (_mode, _amount) = (Mode.AnswersAtLength, length);
    }

    /// @dev Not marked `view`, so that it can try what a view may not. What it knocks at is in the
    /// signature, because reading it from storage would take most of the gas there is.
    function isValidSignature(bytes32, bytes calldata signature) external returns (bytes4) {
        if (_mode == Mode.Refuses) return 0xffffffff;
        if (_mode == Mode.Reverts) revert("no");
        if (_mode == Mode.BurnsGas) _burnGas();
        if (_mode == Mode.UsesGas) _useGas(_amount);
        if (_mode == Mode.AnswersAtLength) _return(MAGIC, _amount);
        if (_mode == Mode.RevertsWithMegabyte) _revertWithMegabyte();
        if (_mode == Mode.Knocks) {
            (address target, Door[] memory doors) = abi.decode(signature, (address, Door[]));
            knock(target, doors);
        }
        return MAGIC;
    }

    function _useGas(uint256 amount) private view {
        uint256 before = gasleft();
        while (before - gasleft() < amount) {}
    }
}

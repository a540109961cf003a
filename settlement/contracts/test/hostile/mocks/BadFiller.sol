// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFiller} from "../../../src/interfaces/IFiller.sol";
import {Puppet} from "./Puppet.sol";

/// @dev A filler that makes its planned calls in its callback, and then does what its mode says.
contract BadFiller is IFiller, Puppet {
    enum Mode {
        Good,
        Reverts,
        BurnsGas,
        WastesGas,
        ReturnsMegabyte,
        RevertsWithMegabyte
    }

    Mode private _mode;

    function behave(Mode mode) external {
        _mode = mode;
    }

    function fill(bytes32, bytes calldata) external {
        _perform();
        if (_mode == Mode.Reverts) revert("no");
        if (_mode == Mode.BurnsGas) _burnGas();
        if (_mode == Mode.WastesGas) while (gasleft() > 2_000) {}
        if (_mode == Mode.ReturnsMegabyte) _return(0, MEGABYTE);
        if (_mode == Mode.RevertsWithMegabyte) _revertWithMegabyte();
    }
}

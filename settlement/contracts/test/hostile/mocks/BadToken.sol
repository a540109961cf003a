// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Puppet} from "./Puppet.sol";

/// @dev A token that misbehaves in transfers, in views or both, as its mode says. Balances are shares
/// of what `index` makes of them, so that it can rebase.
contract BadToken is Puppet {
    enum Mode {
        Good,
        ReturnsNothing,
        ReturnsFalse,
        ReturnsTwo,
        ReturnsMegabyte,
        RevertsWithMegabyte,
        BurnsGas,
        Refuses,
        RefusesAndBlames,
        TakesFee,
        CallsBack,
        HalvesAllBalances,
        DoublesAllBalances,
        MovesNothing,
        MovesNothingAndSaysItDid,
        RevertsInViews,
        BurnsGasInViews,
        ReturnsMegabyteInViews
    }

    uint256 private constant ONE = 1e18;

    Mode private _mode;
    address private _refused;
    address private _credited;
    uint256 private _credit;
    uint256 private _index = ONE;
    mapping(address => uint256) private _shares;
    mapping(address => mapping(address => uint256)) private _allowances;

    function behave(Mode mode) external {
        _mode = mode;
    }

    /// @dev Transfers to this account fail.
    function refuseTo(address receiver) external {
        (_mode, _refused) = (Mode.Refuses, receiver);
    }

    function mint(address to, uint256 amount) external {
        _shares[to] += amount * ONE / _index;
    }

    /// @dev Multiplies every balance by `numerator / denominator`.
    function rebase(uint256 numerator, uint256 denominator) public {
        _index = _index * numerator / denominator;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        _allowances[msg.sender][spender] = amount;
        return true;
    }

    /// @dev What an account has, whatever the token tells others.
    function held(address account) public view returns (uint256) {
        return _shares[account] * _index / ONE;
    }

    function balanceOf(address account) external view returns (uint256) {
        _view();
        if (_mode == Mode.RefusesAndBlames) return 0;
        return held(account) + (account == _credited ? _credit : 0);
    }

    function allowance(address owner, address spender) external view returns (uint256) {
        _view();
        return _mode == Mode.RefusesAndBlames ? 0 : _allowances[owner][spender];
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        if (_mode == Mode.ReturnsFalse) return false;
        if (_mode == Mode.MovesNothing) return true;
        if (_mode == Mode.RevertsWithMegabyte) _revertWithMegabyte();
        if (_mode == Mode.BurnsGas) _burnGas();
        if (_mode == Mode.RefusesAndBlames) revert("blame");
        if (_mode == Mode.Refuses && to == _refused) revert("refused");
        if (_mode == Mode.CallsBack) _perform();
        if (_mode == Mode.MovesNothingAndSaysItDid) {
            (_credited, _credit) = (to, amount);
            return true;
        }
        _move(from, to, amount);
        if (_mode == Mode.HalvesAllBalances) rebase(1, 2);
        if (_mode == Mode.DoublesAllBalances) rebase(2, 1);
        _answer();
        return true;
    }

    function _move(address from, address to, uint256 amount) private {
        _allowances[from][msg.sender] -= amount;
        uint256 shares = amount * ONE / _index;
        _shares[from] -= shares;
        _shares[to] += _mode == Mode.TakesFee ? shares - shares / 100 : shares;
    }

    function _answer() private view {
        if (_mode == Mode.ReturnsMegabyte) _return(bytes32(uint256(1)), MEGABYTE);
        if (_mode == Mode.ReturnsNothing) _return(0, 0);
        if (_mode == Mode.ReturnsTwo) _return(bytes32(uint256(2)), 32);
    }

    function _view() private view {
        if (_mode == Mode.RevertsInViews) revert("no view");
        if (_mode == Mode.BurnsGasInViews) _burnGas();
        if (_mode == Mode.ReturnsMegabyteInViews) _return(bytes32(type(uint256).max), MEGABYTE);
    }
}

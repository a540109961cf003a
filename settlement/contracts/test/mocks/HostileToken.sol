// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev A token that misbehaves in transfers, views or both, as its `mode` says.
contract HostileToken {
    enum Mode {
        Good,
        ReturnsNothing,
        ReturnsFalse,
        ReturnsTwo,
        TakesFee,
        RefusesReceiver,
        BurnsGas,
        RevertsMegabyte,
        CallsBack,
        LiesAboutBalance,
        RevertsInViews,
        BurnsGasInViews,
        ReturnsMegabyteInViews
    }

    Mode public mode;
    address internal refused;
    address internal target;
    bytes internal call;
    bytes4 public reentryError;
    mapping(address => uint256) internal balances;
    mapping(address => mapping(address => uint256)) internal allowances;

    function behave(Mode mode_) external {
        mode = mode_;
    }

    function refuse(address receiver) external {
        (mode, refused) = (Mode.RefusesReceiver, receiver);
    }

    function callBack(address target_, bytes calldata call_) external {
        (mode, target, call) = (Mode.CallsBack, target_, call_);
    }

    function mint(address to, uint256 amount) external {
        balances[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowances[msg.sender][spender] = amount;
        return true;
    }

    function balanceOf(address account) external view returns (uint256) {
        _view();
        return mode == Mode.LiesAboutBalance ? 0 : balances[account];
    }

    function allowance(address owner, address spender) external view returns (uint256) {
        _view();
        return allowances[owner][spender];
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        if (mode == Mode.ReturnsFalse) return false;
        if (mode == Mode.RefusesReceiver && to == refused) revert("refused");
        if (mode == Mode.BurnsGas) _burn();
        if (mode == Mode.RevertsMegabyte) {
            assembly {
                revert(0, 200000)
            }
        }
        if (mode == Mode.CallsBack) {
            (bool ok, bytes memory answer) = target.call(call);
            require(!ok, "re-entered");
            reentryError = bytes4(answer);
        }
        allowances[from][msg.sender] -= amount;
        balances[from] -= amount;
        balances[to] += mode == Mode.TakesFee ? amount - amount / 100 : amount;
        if (mode == Mode.ReturnsNothing) {
            assembly {
                return(0, 0)
            }
        }
        if (mode == Mode.ReturnsTwo) {
            assembly {
                mstore(0, 2)
                return(0, 32)
            }
        }
        return true;
    }

    function _view() private view {
        if (mode == Mode.RevertsInViews) revert("no view");
        if (mode == Mode.BurnsGasInViews) _burn();
        if (mode == Mode.ReturnsMegabyteInViews) {
            assembly {
                return(0, 100000)
            }
        }
    }

    function _burn() private pure {
        assembly {
            invalid()
        }
    }
}

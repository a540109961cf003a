// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Intruder} from "./Intruder.sol";

/// @dev A contract that makes any call it is told to, now or when it is called itself.
abstract contract Puppet is Intruder {
    uint256 internal constant MEGABYTE = 1_000_000;

    struct Step {
        address target;
        bytes data;
    }

    Step[] private _plan;

    /// @dev How many planned steps were made. Undone with the frame if the bid fails.
    uint256 public stepsMade;

    function run(address target, bytes calldata data) external {
        _run(target, data);
    }

    function plan(address target, bytes calldata data) external {
        _plan.push(Step(target, data));
    }

    /// @dev To be planned by whoever wants no money.
    function refuse() external pure {
        revert("no");
    }

    /// @dev To be planned by whoever wants its payer to be short of gas.
    function burnGas() external pure {
        _burnGas();
    }

    receive() external payable {
        _perform();
    }

    /// @dev Makes the planned calls; one that fails takes all down.
    function _perform() internal {
        for (uint256 i = 0; i < _plan.length; ++i) {
            _run(_plan[i].target, _plan[i].data);
            ++stepsMade;
        }
    }

    function _run(address target, bytes memory data) private {
        (bool ok, bytes memory answer) = target.call(data);
        if (ok) return;
        assembly {
            revert(add(answer, 0x20), mload(answer))
        }
    }

    function _burnGas() internal pure {
        assembly {
            invalid()
        }
    }

    function _return(bytes32 first, uint256 length) internal pure {
        assembly {
            mstore(0, first)
            return(0, length)
        }
    }

    function _revertWithMegabyte() internal pure {
        assembly {
            revert(0, MEGABYTE)
        }
    }
}

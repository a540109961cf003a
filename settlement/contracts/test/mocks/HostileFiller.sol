// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFiller} from "../../src/interfaces/IFiller.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {MockToken} from "../../src/dev/MockToken.sol";

/// @dev A filler that does what its `mode` says when it is called.
contract HostileFiller is IFiller {
    enum Mode {
        Good,
        Revert,
        BurnGas,
        ReturnMegabyte,
        RevertMegabyte,
        Reenter,
        Unapprove
    }

    ISettlement internal immutable settlement;
    Mode public mode;
    bytes internal call;
    bytes4 public reentryError;
    uint256 public calls;
    bytes32 public lastBid;
    bytes32 public lastData;
    MockToken internal token;

    constructor(ISettlement settlement_, address solver) {
        settlement = settlement_;
        settlement_.bindFiller(solver);
    }

    function approve(MockToken token_) external {
        token = token_;
        token_.approve(address(settlement), type(uint256).max);
    }

    function behave(Mode mode_) external {
        mode = mode_;
    }

    function reenterWith(bytes calldata call_) external {
        (mode, call) = (Mode.Reenter, call_);
    }

    function fill(bytes32 bid, bytes calldata data) external {
        require(msg.sender == address(settlement), "only settlement");
        (lastBid, lastData) = (bid, keccak256(data));
        ++calls;
        if (mode == Mode.Revert) revert("no");
        if (mode == Mode.BurnGas) {
            assembly {
                invalid()
            }
        }
        if (mode == Mode.ReturnMegabyte) {
            assembly {
                return(0, 200000)
            }
        }
        if (mode == Mode.RevertMegabyte) {
            assembly {
                revert(0, 200000)
            }
        }
        if (mode == Mode.Unapprove) token.approve(address(settlement), 0);
        if (mode == Mode.Reenter) {
            (bool ok, bytes memory answer) = address(settlement).call(call);
            require(!ok, "re-entered");
            reentryError = bytes4(answer);
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev An account that is paid in ether: it takes it, refuses it, or calls back when it arrives.
contract Receiver {
    enum Mode {
        Accepts,
        Refuses,
        CallsBack
    }

    Mode public mode;
    address internal target;
    bytes internal call;
    bytes4 public reentryError;

    function behave(Mode mode_) external {
        mode = mode_;
    }

    function callBack(address target_, bytes calldata call_) external {
        (mode, target, call) = (Mode.CallsBack, target_, call_);
    }

    function execute(address to, bytes calldata data) external payable {
        (bool ok, bytes memory answer) = to.call{value: msg.value}(data);
        if (ok) return;
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }

    receive() external payable {
        if (mode == Mode.Refuses) revert("no ether");
        if (mode != Mode.CallsBack) return;
        (bool ok, bytes memory answer) = target.call(call);
        require(!ok, "re-entered");
        reentryError = bytes4(answer);
    }
}

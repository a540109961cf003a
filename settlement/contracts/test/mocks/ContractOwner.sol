// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev An owner that is a contract and answers ERC-1271 as its `mode` says.
contract ContractOwner {
    enum Mode {
        Accepts,
        Refuses,
        Reverts,
        BurnsGas,
        ReturnsMegabyte,
        ReturnsLittle
    }

    Mode public mode;
    bytes32 internal accepted;
    bool internal all;

    function behave(Mode mode_) external {
        mode = mode_;
    }

    /// @dev Accepts this signature only, of any digest.
    function accept(bytes calldata signature) external {
        accepted = keccak256(signature);
    }

    /// @dev Accepts anything, however long.
    function acceptAll() external {
        all = true;
    }

    function approve(address token, address spender) external {
        (bool ok,) = token.call(abi.encodeWithSignature("approve(address,uint256)", spender, type(uint256).max));
        require(ok, "approve");
    }

    function isValidSignature(bytes32, bytes calldata signature) external view returns (bytes4) {
        if (mode == Mode.Reverts) revert("no");
        if (mode == Mode.BurnsGas) {
            assembly {
                invalid()
            }
        }
        if (mode == Mode.ReturnsMegabyte) {
            assembly {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 100000)
            }
        }
        if (mode == Mode.ReturnsLittle) {
            assembly {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 4)
            }
        }
        if (all) return 0x1626ba7e;
        if (mode == Mode.Refuses || keccak256(signature) != accepted) return 0xffffffff;
        return 0x1626ba7e;
    }
}

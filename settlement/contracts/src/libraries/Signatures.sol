// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "solady/utils/ECDSA.sol";
import {BoundedCall} from "./BoundedCall.sol";

/// @title Signatures of accounts and of contracts
library Signatures {
    /// @dev Enough for a multisig or a passkey; an owner cannot make a bid pay for more.
    uint256 internal constant ERC1271_GAS = 300_000;

    bytes4 private constant ERC1271_MAGIC = 0x1626ba7e;

    /// @dev The largest s of which there is no mirror image below.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @dev The signer of an EIP-2098 compact signature; zero if there is none or s is high.
    function recover(bytes32 digest, bytes32 r, bytes32 vs) internal view returns (address signer) {
        if (uint256(vs) & type(uint256).max >> 1 > HALF_ORDER) return address(0);
        return ECDSA.tryRecover(digest, r, vs);
    }

    /// @dev The signer of a signature of 64 (compact) or 65 bytes; zero as above, or for other lengths.
    function recover(bytes32 digest, bytes calldata signature) internal view returns (address signer) {
        if (signature.length == 64) {
            return recover(digest, bytes32(signature[:32]), bytes32(signature[32:]));
        }
        if (signature.length != 65 || uint256(bytes32(signature[32:64])) > HALF_ORDER) return address(0);
        return ECDSA.tryRecoverCalldata(digest, signature);
    }

    /// @dev Whether the contract at `owner` accepts the signature (ERC-1271), within ERC1271_GAS.
    function acceptedBy(address owner, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        bytes memory question = abi.encodeWithSelector(ERC1271_MAGIC, digest, signature);
        (bool ok, uint256 answer) = BoundedCall.view_(owner, ERC1271_GAS, question);
        return ok && bytes32(answer) == bytes32(ERC1271_MAGIC);
    }
}

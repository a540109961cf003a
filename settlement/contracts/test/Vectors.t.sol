// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Settlement} from "../src/Settlement.sol";
import {IBidFrame} from "../src/interfaces/IBidFrame.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {ISolvers} from "../src/interfaces/ISolvers.sol";
import {BidData, IntentData} from "./utils/BatchEncoder.sol";
import {Hashing} from "./utils/Hashing.sol";
import {Test} from "./utils/Test.sol";

/// @dev A contract that owns intents and accepts any signature.
contract AcceptingOwner {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x1626ba7e;
    }
}

/// @dev The golden vectors that all languages share, made by another one's libraries. The hashes
/// checked here are those of test/utils/Hashing.sol, by which every other test signs and commits:
/// if those settle and these agree, Settlement agrees with the vectors too.
contract VectorsTest is Test {
    string internal constant FOLDER = "../../tests/vectors/";

    function test_SettlementHasTheDomainOfTheVectors() public {
        string memory json = vm.readFile(string.concat(FOLDER, "eip712.json"));
        Settlement settlement = _deploySettlement(address(1), 1, 1, 1);
        address there = vm.parseJsonAddress(json, ".domain.verifyingContract");
        vm.etch(there, address(settlement).code);
        vm.chainId(vm.parseJsonUint(json, ".domain.chainId"));
        assertEq(Settlement(there).domainSeparator(), _domain(json), "domain");
    }

    function test_IntentsAgree() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "eip712.json"));
        uint256 count = _count(json, ".intents");
        for (uint256 i = 0; i < count; ++i) {
            string memory pos = _index(".intents", i);
            bytes32 digest = Hashing.intent(_domain(json), _intent(json, string.concat(pos, ".intent")));
            _check(json, pos, digest, string.concat(pos, ".intent.owner"));
        }
    }

    function test_BidsAgree() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "eip712.json"));
        uint256 count = _count(json, ".bids");
        for (uint256 i = 0; i < count; ++i) {
            string memory pos = _index(".bids", i);
            bytes32 legsHash = _legsHash(json, string.concat(pos, ".legs"));
            assertEq(legsHash, vm.parseJsonBytes32(json, string.concat(pos, ".legsHash")), "legs hash");
            bytes32 callbackHash = keccak256(vm.parseJsonBytes(json, string.concat(pos, ".callback")));
            assertEq(callbackHash, vm.parseJsonBytes32(json, string.concat(pos, ".callbackHash")), "callback hash");
            string memory bid = string.concat(pos, ".bid");
            uint64 auctionId = uint64(vm.parseJsonUint(json, string.concat(bid, ".auctionId")));
            bytes32 digest = Hashing.bid(_domain(json), auctionId, _bid(json, bid), legsHash, callbackHash);
            _check(json, pos, digest, "");
        }
    }

    function test_CancellationsAgree() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "eip712.json"));
        uint256 count = _count(json, ".cancels");
        for (uint256 i = 0; i < count; ++i) {
            string memory pos = _index(".cancels", i);
            string memory owner = string.concat(pos, ".owner");
            bytes32[] memory intents = vm.parseJsonBytes32Array(json, string.concat(pos, ".intents"));
            bytes32 digest = Hashing.cancel(_domain(json), vm.parseJsonAddress(json, owner), intents);
            _check(json, pos, digest, owner);
        }
    }

    function test_CommitmentsAgree() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "commitment.json"));
        uint256 count = _count(json, "");
        for (uint256 i = 0; i < count; ++i) {
            string memory pos = _index("", i);
            Hashing.Commitment memory c;
            c.chainId = vm.parseJsonUint(json, string.concat(pos, ".chainId"));
            c.settlement = vm.parseJsonAddress(json, string.concat(pos, ".settlement"));
            c.settler = vm.parseJsonAddress(json, string.concat(pos, ".settler"));
            c.lane = vm.parseJsonUint(json, string.concat(pos, ".lane"));
            c.auctionId = uint64(vm.parseJsonUint(json, string.concat(pos, ".auctionId")));
            c.attempt = uint8(vm.parseJsonUint(json, string.concat(pos, ".attempt")));
            c.openHash = vm.parseJsonBytes32(json, string.concat(pos, ".openHash"));
            c.bidsRoot = vm.parseJsonBytes32(json, string.concat(pos, ".bidsRoot"));
            c.bidCount = uint32(vm.parseJsonUint(json, string.concat(pos, ".bidCount")));
            c.batchHash = keccak256(vm.parseJsonBytes(json, string.concat(pos, ".batch")));
            c.salt = vm.parseJsonBytes32(json, string.concat(pos, ".salt"));
            bytes32 expected = vm.parseJsonBytes32(json, string.concat(pos, ".commitment"));
            assertEq(Hashing.commitment(c), expected, pos);
        }
    }

    function test_MerkleProofsAgree() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "merkle.json"));
        uint256 count = _count(json, "");
        for (uint256 i = 0; i < count; ++i) {
            string memory pos = _index("", i);
            bytes32 root = vm.parseJsonBytes32(json, string.concat(pos, ".root"));
            bool empty = !vm.keyExistsJson(json, string.concat(pos, ".leaves[0]"));
            assertTrue((root == 0) == empty, "the root of nothing is zero, and no other");
            for (uint256 p = 0; vm.keyExistsJson(json, _index(string.concat(pos, ".proofs"), p)); ++p) {
                string memory proof = _index(string.concat(pos, ".proofs"), p);
                uint256 leaf = vm.parseJsonUint(json, string.concat(proof, ".leaf"));
                bytes32 node = _leaf(json, _index(string.concat(pos, ".leaves"), leaf));
                assertEq(_climb(node, json, string.concat(proof, ".proof")), root, proof);
            }
        }
    }

    /// @dev Settlement itself reads the batches that Rust packed: it finds the same bids, and every
    /// signature and limit in them is good, for it gets as far as the tokens, which do not exist here.
    function test_SettlementReadsTheBatches() public {
        string memory json = vm.readFile(string.concat(FOLDER, "batch.json"));
        bytes memory code = address(_deploySettlement(address(1), 1, 1, 1)).code;
        bytes memory acceptor = address(new AcceptingOwner()).code;
        uint256 count = _count(json, "");
        for (uint256 i = 0; i < count; ++i) {
            string memory pos = _index("", i);
            address there = vm.parseJsonAddress(json, string.concat(pos, ".settlement"));
            vm.etch(there, code);
            vm.chainId(vm.parseJsonUint(json, string.concat(pos, ".chainId")));
            _etchOwners(json, string.concat(pos, ".intents"), acceptor);
            _checkBatch(json, pos, Settlement(there));
        }
    }

    function _etchOwners(string memory json, string memory list, bytes memory code) private {
        for (uint256 k = 0; vm.keyExistsJson(json, _index(list, k)); ++k) {
            string memory intent = _index(list, k);
            if (!vm.parseJsonBool(json, string.concat(intent, ".contract"))) continue;
            vm.etch(vm.parseJsonAddress(json, string.concat(intent, ".intent.owner")), code);
        }
    }

    function _bind(string memory json, string memory bid, Settlement settlement) private {
        address solver = vm.parseJsonAddress(json, string.concat(bid, ".solver"));
        if (settlement.solverOfKey(solver) == address(0)) {
            vm.prank(solver);
            settlement.register();
        }
        vm.prank(vm.parseJsonAddress(json, string.concat(bid, ".filler")));
        settlement.bindFiller(solver);
    }

    function _checkBatch(string memory json, string memory pos, Settlement settlement) private {
        string memory list = string.concat(pos, ".bids");
        uint256 bids = _count(json, list);
        for (uint256 k = 0; k < bids; ++k) {
            _bind(json, string.concat(_index(list, k), ".bid"), settlement);
        }
        bytes memory batch = vm.parseJsonBytes(json, string.concat(pos, ".batch"));
        (, bytes memory answer) = address(settlement).call(abi.encodeCall(settlement.simulate, (batch)));
        assertEq(bytes4(answer), ISettlement.SimulationResult.selector, pos);
        assembly ("memory-safe") {
            mstore(add(answer, 4), sub(mload(answer), 4))
            answer := add(answer, 4)
        }
        ISettlement.BidResult[] memory results = abi.decode(answer, (ISettlement.BidResult[]));
        assertEq(results.length, bids, "bids");
        for (uint256 k = 0; k < bids; ++k) {
            assertEq(results[k].bid, vm.parseJsonBytes32(json, string.concat(_index(list, k), ".digest")), "bid");
            // A filler that several solvers of the vector name is bound to the last of them.
            string memory bid = string.concat(_index(list, k), ".bid");
            address filler = vm.parseJsonAddress(json, string.concat(bid, ".filler"));
            bool bound_ = settlement.solverOfFiller(filler) == vm.parseJsonAddress(json, string.concat(bid, ".solver"));
            bytes4 reason = bound_ ? IBidFrame.TransferFailed.selector : ISolvers.FillerNotBound.selector;
            assertEq(bytes32(bytes4(results[k].reason)), bytes32(reason), "only what does not exist here is missing");
        }
    }

    /// @dev The digest is the vector's, and the vector's key makes the vector's signature of it.
    function _check(string memory json, string memory pos, bytes32 digest, string memory signer) private pure {
        assertEq(digest, vm.parseJsonBytes32(json, string.concat(pos, ".digest")), pos);
        uint256 key = vm.parseJsonUint(json, string.concat(pos, ".privateKey"));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes memory signature = vm.parseJsonBytes(json, string.concat(pos, ".signature"));
        assertEq(signature, abi.encodePacked(r, s, v), "signature");
        if (bytes(signer).length != 0) assertEq(vm.addr(key), vm.parseJsonAddress(json, signer), "signer");
    }

    function _domain(string memory json) private pure returns (bytes32) {
        assertEq(bytes(vm.parseJsonString(json, ".domain.name")), bytes("Gavel"), "name");
        assertEq(bytes(vm.parseJsonString(json, ".domain.version")), bytes("1"), "version");
        uint256 chainId = vm.parseJsonUint(json, ".domain.chainId");
        return Hashing.domain(chainId, vm.parseJsonAddress(json, ".domain.verifyingContract"));
    }

    function _intent(string memory json, string memory pos) private pure returns (IntentData memory i) {
        i.owner = vm.parseJsonAddress(json, string.concat(pos, ".owner"));
        i.receiver = vm.parseJsonAddress(json, string.concat(pos, ".receiver"));
        i.sellToken = vm.parseJsonAddress(json, string.concat(pos, ".sellToken"));
        i.buyToken = vm.parseJsonAddress(json, string.concat(pos, ".buyToken"));
        i.sellAmount = vm.parseJsonUint(json, string.concat(pos, ".sellAmount"));
        i.buyAmount = vm.parseJsonUint(json, string.concat(pos, ".buyAmount"));
        i.nonce = vm.parseJsonUint(json, string.concat(pos, ".nonce"));
        i.validTo = uint32(vm.parseJsonUint(json, string.concat(pos, ".validTo")));
        i.kind = uint8(vm.parseJsonUint(json, string.concat(pos, ".kind")));
        i.partiallyFillable = vm.parseJsonBool(json, string.concat(pos, ".partiallyFillable"));
        i.appData = vm.parseJsonBytes32(json, string.concat(pos, ".appData"));
    }

    function _bid(string memory json, string memory pos) private pure returns (BidData memory b) {
        b.solver = vm.parseJsonAddress(json, string.concat(pos, ".solver"));
        b.filler = vm.parseJsonAddress(json, string.concat(pos, ".filler"));
        b.gas = uint32(vm.parseJsonUint(json, string.concat(pos, ".gas")));
        b.callbackGas = uint32(vm.parseJsonUint(json, string.concat(pos, ".callbackGas")));
        b.penalty = uint128(vm.parseJsonUint(json, string.concat(pos, ".penalty")));
        b.validUntil = uint32(vm.parseJsonUint(json, string.concat(pos, ".validUntil")));
        b.nonce = vm.parseJsonUint(json, string.concat(pos, ".nonce"));
        b.salt = vm.parseJsonBytes32(json, string.concat(pos, ".salt"));
        b.clientBidId = vm.parseJsonBytes32(json, string.concat(pos, ".clientBidId"));
    }

    function _legsHash(string memory json, string memory pos) private view returns (bytes32) {
        bytes memory packed;
        for (uint256 k = 0; vm.keyExistsJson(json, _index(pos, k)); ++k) {
            string memory leg = _index(pos, k);
            packed = abi.encodePacked(
                packed,
                vm.parseJsonBytes32(json, string.concat(leg, ".from")),
                vm.parseJsonBytes32(json, string.concat(leg, ".to")),
                vm.parseJsonUint(json, string.concat(leg, ".amount"))
            );
        }
        return keccak256(packed);
    }

    function _leaf(string memory json, string memory pos) private pure returns (bytes32) {
        bytes memory leaf = abi.encode(
            uint32(vm.parseJsonUint(json, string.concat(pos, ".index"))),
            vm.parseJsonBytes32(json, string.concat(pos, ".bidDigest")),
            uint64(vm.parseJsonUint(json, string.concat(pos, ".ms"))),
            uint64(vm.parseJsonUint(json, string.concat(pos, ".seq")))
        );
        return keccak256(bytes.concat(keccak256(leaf)));
    }

    function _climb(bytes32 node, string memory json, string memory pos) private view returns (bytes32) {
        if (!vm.keyExistsJson(json, _index(pos, 0))) return node;
        bytes32[] memory siblings = vm.parseJsonBytes32Array(json, pos);
        for (uint256 i = 0; i < siblings.length; ++i) {
            bytes32 sibling = siblings[i];
            node = node < sibling ? keccak256(abi.encode(node, sibling)) : keccak256(abi.encode(sibling, node));
        }
        return node;
    }

    /// @dev How long a list is; a file without the list, or with an empty one, proves nothing.
    function _count(string memory json, string memory list) private view returns (uint256 count) {
        while (vm.keyExistsJson(json, _index(list, count))) ++count;
        assertTrue(count > 0, "vectors");
    }

    function _index(string memory list, uint256 i) private pure returns (string memory) {
        return string.concat(bytes(list).length == 0 ? "$" : list, "[", vm.toString(i), "]");
    }
}

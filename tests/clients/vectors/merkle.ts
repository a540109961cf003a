// tests/vectors/merkle.json: the root over an auction's bids, by OpenZeppelin's own library.
import { strict as assert } from "node:assert";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { AbiCoder, keccak256 as ethersKeccak } from "ethers";
import { type Hex, concat, encodeAbiParameters, keccak256 } from "viem";
import { word } from "./names.js";
import { ZERO_WORD } from "../lib/types.js";

const TYPES = ["uint32", "bytes32", "uint64", "uint64"];
type Leaf = { index: number; bidDigest: Hex; ms: number; seq: number };

/** keccak256(keccak256(abi.encode(index, bidDigest, ms, seq))), by both libraries. */
export function leafHash(leaf: Leaf): Hex {
  const values = [leaf.index, leaf.bidDigest, BigInt(leaf.ms), BigInt(leaf.seq)];
  const hash = keccak256(
    keccak256(
      encodeAbiParameters(
        TYPES.map((type) => ({ type })),
        values,
      ),
    ),
  );
  const other = ethersKeccak(ethersKeccak(AbiCoder.defaultAbiCoder().encode(TYPES, values)));
  assert.equal(hash, other, "viem and ethers hash a leaf alike");
  return hash;
}

export function verifyProof(root: Hex, leaf: Hex, proof: readonly Hex[]): boolean {
  return (
    root ===
    proof.reduce(
      (node, sibling) => keccak256(concat(node < sibling ? [node, sibling] : [sibling, node])),
      leaf,
    )
  );
}

function vector(count: number) {
  const leaves: Leaf[] = Array.from({ length: count }, (_, index) => ({
    index,
    bidDigest: word(`bid ${index} of ${count}`),
    ms: 1790000000000 + Math.floor(index / 3),
    seq: index % 3,
  }));
  const name = count === 1 ? "1 leaf" : `${count} leaves`;
  if (count === 0) return { name, leaves, root: ZERO_WORD, proofs: [] };
  const rows = leaves.map(({ index, bidDigest, ms, seq }) => [index, bidDigest, BigInt(ms), BigInt(seq)]);
  const tree = StandardMerkleTree.of(rows, TYPES);
  const root = tree.root as Hex;
  const proofs = leaves.map((leaf, n) => {
    const proof = tree.getProof(n) as Hex[];
    assert.equal(tree.leafHash(rows[n] ?? []), leafHash(leaf), "OpenZeppelin hashes a leaf as we do");
    assert(verifyProof(root, leafHash(leaf), proof), "a proof leads to the root");
    return { leaf: n, proof };
  });
  return { name, leaves, root, proofs };
}

export const merkleVectors = () => [0, 1, 2, 3, 7, 100].map(vector);

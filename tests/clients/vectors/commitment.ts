// tests/vectors/commitment.json: what the settler commits to.
import { strict as assert } from "node:assert";
import { AbiCoder, id, keccak256 as ethersKeccak } from "ethers";
import { type Hex, encodeAbiParameters, keccak256, stringToHex } from "viem";
import { address, word } from "./names.js";
import { ZERO_WORD } from "../lib/types.js";

const TYPE =
  "Commitment(uint256 chainId,address settlement,address settler,uint256 lane,uint64 auctionId,uint8 attempt,bytes32 openHash,bytes32 bidsRoot,uint32 bidCount,bytes32 batchHash,bytes32 salt)";
const ABI = [
  "bytes32",
  "uint256",
  "address",
  "address",
  "uint256",
  "uint64",
  "uint8",
  "bytes32",
  "bytes32",
  "uint32",
  "bytes32",
  "bytes32",
];

interface Case {
  name: string;
  chainId: number;
  settlement: Hex;
  settler: Hex;
  lane: string;
  auctionId: number;
  attempt: number;
  openHash: Hex;
  bidsRoot: Hex;
  bidCount: number;
  batch: Hex;
  salt: Hex;
}

const ordinary: Case = {
  name: "an ordinary batch",
  chainId: 31337,
  settlement: address("settlement"),
  settler: address("settler"),
  lane: "0",
  auctionId: 42,
  attempt: 1,
  openHash: word("open hash"),
  bidsRoot: word("bids root"),
  bidCount: 3,
  batch: `0x01${"ab".repeat(300)}`,
  salt: word("commitment salt"),
};

const cases: Case[] = [
  ordinary,
  { ...ordinary, name: "another salt", salt: word("another salt") },
  { ...ordinary, name: "another settler", settler: address("another settler") },
  { ...ordinary, name: "another chain", chainId: 1 },
  { ...ordinary, name: "another contract", settlement: address("another settlement") },
  { ...ordinary, name: "another lane", lane: "3" },
  { ...ordinary, name: "the runner-up", attempt: 2 },
  { ...ordinary, name: "another byte in the batch", batch: `0x01${"ab".repeat(299)}ac` },
  { ...ordinary, name: "no bytes, no bids", batch: "0x", bidsRoot: ZERO_WORD, bidCount: 0 },
  {
    ...ordinary,
    name: "the largest numbers",
    lane: (2n ** 256n - 1n).toString(),
    auctionId: Number.MAX_SAFE_INTEGER,
    attempt: 255,
    bidCount: 2 ** 32 - 1,
    chainId: Number.MAX_SAFE_INTEGER,
  },
];

export function commitmentOf(c: Omit<Case, "name">): Hex {
  const values = [
    keccak256(stringToHex(TYPE)),
    BigInt(c.chainId),
    c.settlement,
    c.settler,
    BigInt(c.lane),
    BigInt(c.auctionId),
    c.attempt,
    c.openHash,
    c.bidsRoot,
    c.bidCount,
    keccak256(c.batch),
    c.salt,
  ];
  const byViem = keccak256(
    encodeAbiParameters(
      ABI.map((type) => ({ type })),
      values,
    ),
  );
  const byEthers = ethersKeccak(AbiCoder.defaultAbiCoder().encode(ABI, [id(TYPE), ...values.slice(1)]));
  assert.equal(byViem, byEthers, "viem and ethers make the same commitment");
  return byViem;
}

export const commitmentVectors = () => cases.map((c) => ({ ...c, commitment: commitmentOf(c) }));

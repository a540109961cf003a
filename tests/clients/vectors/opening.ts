// Checks tests/vectors/opening.json, which Rust makes: anybody can recompute an auction's opening hash
// from its public record, with an ABI encoder and OpenZeppelin's tree alone.
import { strict as assert } from "node:assert";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { type Hex, concatHex, encodeAbiParameters, keccak256, parseAbiParameters, toBytes } from "viem";
import { ZERO_WORD } from "../lib/types.js";

const PARAMS_TYPE =
  "Params(uint32 surplusCapBps,uint32 minFillBps,uint64 gasBudget,uint64 byteBudget,uint32 maxWinners,uint64 nodeBudget,uint32 maxIntents,uint32 maxBids,uint32 confirmations,uint32 maxDelayBlocks,uint32 secondsPerBlock,uint256 penaltyFloor,uint32 penaltyBps,address nativeToken)";
const OPENING_TYPE =
  "Opening(bytes32 previous,uint256 chainId,address settlement,uint64 auctionId,uint64 blockNumber,bytes32 blockHash,uint64 blockTime,uint64 openedAtMs,uint64 closesAtMs,bytes32 paramsHash,bytes32 pricesHash,bytes32 intentsRoot,uint32 intentCount)";

interface Opening {
  auction_id: number;
  previous: Hex;
  chain_id: number;
  settlement: Hex;
  block: { number: number; hash: Hex };
  block_time_s: number;
  opened_at_ms: number;
  closes_at_ms: number;
  params: Record<string, number | string>;
  prices: { token: Hex; price: string }[];
  intents: { id: Hex; fundable: string; filled: string; alone: boolean }[];
}

interface OpeningVector {
  name: string;
  opening: Opening;
  paramsHash: Hex;
  intentsRoot: Hex;
  openHash: Hex;
}

const typehash = (type: string): Hex => keccak256(toBytes(type));

/** `surplusCapBps` -> `surplus_cap_bps`: the type string names the JSON's members in their order. */
const member = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function paramsHash(params: Record<string, number | string>): Hex {
  const fields = PARAMS_TYPE.slice("Params(".length, -1).split(",").map((field) => field.split(" ")[1] ?? "");
  assert.deepEqual(fields.map(member).sort(), Object.keys(params).sort(), "the type names every parameter");
  const words = fields.map((field) => encodeAbiParameters([{ type: "uint256" }], [BigInt(params[member(field)] ?? 0)]));
  return keccak256(concatHex([typehash(PARAMS_TYPE), ...words]));
}

const root = (leaves: (string | boolean)[][], types: string[]): Hex =>
  leaves.length === 0 ? ZERO_WORD : (StandardMerkleTree.of(leaves, types).root as Hex);

function openHash(opening: Opening, intentsRoot: Hex): Hex {
  const price = parseAbiParameters("address, uint256");
  const prices = opening.prices.map(({ token, price: wei }) => encodeAbiParameters(price, [token, BigInt(wei)]));
  return keccak256(
    encodeAbiParameters(
      parseAbiParameters(
        "bytes32, bytes32, uint256, address, uint64, uint64, bytes32, uint64, uint64, uint64, bytes32, bytes32, bytes32, uint32",
      ),
      [
        typehash(OPENING_TYPE),
        opening.previous,
        BigInt(opening.chain_id),
        opening.settlement,
        BigInt(opening.auction_id),
        BigInt(opening.block.number),
        opening.block.hash,
        BigInt(opening.block_time_s),
        BigInt(opening.opened_at_ms),
        BigInt(opening.closes_at_ms),
        paramsHash(opening.params),
        keccak256(prices.length === 0 ? "0x" : concatHex(prices)),
        intentsRoot,
        opening.intents.length,
      ],
    ),
  );
}

/** How many opening records hash to what is kept. */
export function checkOpenings(vectors: unknown): number {
  const openings = vectors as OpeningVector[];
  for (const { name, opening, ...kept } of openings) {
    const leaves = opening.intents.map(({ id, fundable, filled, alone }) => [id, fundable, filled, alone]);
    const intentsRoot = root(leaves, ["bytes32", "uint256", "uint256", "bool"]);
    assert.equal(intentsRoot, kept.intentsRoot, `the intents' root of "${name}"`);
    assert.equal(paramsHash(opening.params), kept.paramsHash, `the parameters' hash of "${name}"`);
    assert.equal(openHash(opening, intentsRoot), kept.openHash, `the opening hash of "${name}"`);
  }
  return openings.length;
}

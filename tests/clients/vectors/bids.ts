// Signed bids, over the digests of the vectors' intents.
import { type Hex, keccak256 } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { bidMessage, legsHash, signBoth } from "../lib/sign.js";
import { type BidTerms, type Leg, ZERO_ADDRESS, ZERO_WORD } from "../lib/types.js";
import type { IntentVector } from "./intents.js";
import { MAX_FILL, MAX_UINT256, MAX_UINT32, address, domain, key, word } from "./names.js";

interface BidCase {
  name: string;
  change: Partial<BidTerms>;
  legs: Leg[];
  callback: Hex;
}

function bidCases(signed: IntentVector[]): BidCase[] {
  const id = (name: string): Hex => signed.find((vector) => vector.name === name)?.digest ?? ZERO_WORD;
  const [a, b, c] = [id("ring: gold for silver"), id("ring: silver for copper"), id("ring: copper for gold")];
  const other = id("counterpart: silver for gold");
  const largest = id("the largest amounts");
  const ring: Leg[] = [
    { from: a, to: c, amount: "1000000000000000000" },
    { from: b, to: a, amount: "2500000000" },
    { from: c, to: b, amount: "4000000" },
  ];
  const fromFiller: Leg[] = [
    { from: a, to: ZERO_WORD, amount: "1000000000000000000" },
    { from: ZERO_WORD, to: a, amount: "2500000001" },
  ];
  const matched: Leg[] = [
    { from: a, to: other, amount: "1000000000000000000" },
    { from: other, to: a, amount: "2600000000" },
  ];
  const long: Hex = `0x${Array.from({ length: 1000 }, (_, n) => (n % 256).toString(16).padStart(2, "0")).join("")}`;
  return [
    { name: "two users matched, no callback", change: {}, legs: matched, callback: "0x" },
    { name: "three-way ring", change: { nonce: "256" }, legs: ring, callback: "0x" },
    {
      name: "filled by the filler, short callback",
      change: { callbackGas: 50000 },
      legs: fromFiller,
      callback: "0xc0ffee",
    },
    { name: "long callback", change: { callbackGas: 300000 }, legs: fromFiller, callback: long },
    { name: "one leg only", change: {}, legs: fromFiller.slice(0, 1), callback: "0x" },
    { name: "a filler with no contract", change: { filler: ZERO_ADDRESS }, legs: matched, callback: "0x" },
    {
      name: "the largest of everything",
      change: {
        auctionId: Number.MAX_SAFE_INTEGER,
        gas: MAX_UINT32,
        callbackGas: MAX_UINT32,
        validUntil: MAX_UINT32,
        penalty: (2n ** 128n - 1n).toString(),
        nonce: MAX_UINT256,
        salt: `0x${"ff".repeat(32)}`,
        clientBidId: `0x${"ff".repeat(32)}`,
      },
      legs: [
        { from: largest, to: ZERO_WORD, amount: MAX_FILL },
        { from: ZERO_WORD, to: largest, amount: MAX_FILL },
      ],
      callback: "0x00",
    },
    {
      name: "the smallest of everything",
      change: {
        auctionId: 1,
        gas: 1,
        penalty: "0",
        nonce: "0",
        validUntil: 1,
        salt: ZERO_WORD,
        clientBidId: ZERO_WORD,
      },
      legs: matched,
      callback: "0x",
    },
  ];
}

export async function bids(signed: IntentVector[]) {
  return Promise.all(
    bidCases(signed).map(async ({ name, change, legs, callback }) => {
      const privateKey = key(`solver of ${name}`);
      const bid: BidTerms = {
        auctionId: 42,
        solver: privateKeyToAddress(privateKey),
        filler: address("filler"),
        gas: 400000,
        callbackGas: 0,
        penalty: "10000000000000000",
        validUntil: 1900000000,
        nonce: "3",
        salt: word(`salt of ${name}`),
        clientBidId: word(`reference of ${name}`),
        ...change,
      };
      const message = bidMessage(bid, legs, callback);
      const made = await signBoth(domain, "Bid", message, privateKey);
      return {
        name,
        bid,
        legs,
        callback,
        legsHash: legsHash(legs),
        callbackHash: keccak256(callback),
        ...made,
      };
    }),
  );
}

// tests/vectors/eip712.json: every signed struct, with the edges of every field.
import { type Address, type Hex, getAddress, keccak256, stringToHex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { type Message, bidMessage, legsHash, signBoth } from "../lib/sign.js";
import { type BidTerms, type Domain, type Intent, type Leg, ZERO_ADDRESS, ZERO_WORD } from "../lib/types.js";

/** A reproducible word; nobody's key, address or secret outside these vectors. */
export const word = (name: string): Hex => keccak256(stringToHex(`gavel vectors: ${name}`));
export const address = (name: string): Address => getAddress(`0x${word(name).slice(26)}`);
const key = (name: string): Hex => word(`key of ${name}`);

export const domain: Domain = { name: "Gavel", version: "1", chainId: 31337, verifyingContract: address("settlement") };

const MAX_UINT256 = (2n ** 256n - 1n).toString();
const MAX_UINT32 = 2 ** 32 - 1;
const gold = address("gold");
const silver = address("silver");
const copper = address("copper");

function intentOf(name: string, change: Partial<Intent> = {}): { name: string; intent: Intent; privateKey: Hex } {
  const privateKey = key(name);
  const intent: Intent = {
    owner: privateKeyToAddress(privateKey),
    receiver: ZERO_ADDRESS,
    sellToken: gold,
    buyToken: silver,
    sellAmount: "1000000000000000000",
    buyAmount: "2500000000",
    nonce: "7",
    validTo: 1900000000,
    kind: 0,
    partiallyFillable: false,
    appData: ZERO_WORD,
    ...change,
  };
  return { name, intent, privateKey };
}

const intentCases = [
  intentOf("exact-in, receiver zero means the owner"),
  intentOf("explicit receiver", { receiver: address("receiver"), nonce: "0" }),
  intentOf("exact-out", { kind: 1, sellToken: silver, buyToken: gold, nonce: "255" }),
  intentOf("partially fillable exact-in", { partiallyFillable: true, nonce: "256" }),
  intentOf("partially fillable exact-out", { partiallyFillable: true, kind: 1, nonce: "65535" }),
  intentOf("app data", { appData: word("app data"), receiver: address("receiver"), nonce: "1" }),
  intentOf("the largest amounts", { sellAmount: MAX_UINT256, buyAmount: MAX_UINT256, validTo: MAX_UINT32 }),
  intentOf("the smallest amounts", { sellAmount: "1", buyAmount: "1", validTo: 1 }),
  intentOf("the largest nonce", { nonce: MAX_UINT256 }),
  intentOf("a nonce in a high word", { nonce: (2n ** 200n + 3n).toString() }),
  intentOf("every field set", {
    receiver: address("receiver"), appData: word("all"), kind: 1, partiallyFillable: true, nonce: MAX_UINT256,
  }),
  intentOf("ring: gold for silver"),
  intentOf("ring: silver for copper", { sellToken: silver, buyToken: copper, sellAmount: "2500000000", buyAmount: "4000000" }),
  intentOf("ring: copper for gold", { sellToken: copper, buyToken: gold, sellAmount: "4000000", buyAmount: "900000000000000000" }),
  intentOf("counterpart: silver for gold", { sellToken: silver, buyToken: gold, sellAmount: "2600000000", buyAmount: "1000000000000000000" }),
];

const asMessage = (value: object): Message => ({ ...value });

async function intents() {
  return Promise.all(intentCases.map(async ({ name, intent, privateKey }) => (
    { name, intent, ...(await signBoth(domain, "Intent", asMessage(intent), privateKey)) }
  )));
}
type IntentVector = Awaited<ReturnType<typeof intents>>[number];

async function cancels() {
  const many = Array.from({ length: 40 }, (_, n) => word(`intent ${n}`));
  const lists: [string, Hex[]][] = [["one intent", many.slice(0, 1)], ["two intents", many.slice(0, 2)], ["many intents", many], ["no intent", []]];
  return Promise.all(lists.map(async ([name, list]) => {
    const privateKey = key(`canceller of ${name}`);
    const owner = privateKeyToAddress(privateKey);
    return { name, owner, intents: list, ...(await signBoth(domain, "Cancel", { owner, intents: list }, privateKey)) };
  }));
}

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
  const matched: Leg[] = [{ from: a, to: other, amount: "1000000000000000000" }, { from: other, to: a, amount: "2600000000" }];
  const long: Hex = `0x${Array.from({ length: 1000 }, (_, n) => (n % 256).toString(16).padStart(2, "0")).join("")}`;
  return [
    { name: "two users matched, no callback", change: {}, legs: matched, callback: "0x" },
    { name: "three-way ring", change: { nonce: "256" }, legs: ring, callback: "0x" },
    { name: "filled by the filler, short callback", change: { callbackGas: 50000 }, legs: fromFiller, callback: "0xc0ffee" },
    { name: "long callback", change: { callbackGas: 300000 }, legs: fromFiller, callback: long },
    { name: "one leg only", change: {}, legs: fromFiller.slice(0, 1), callback: "0x" },
    { name: "a filler with no contract", change: { filler: ZERO_ADDRESS }, legs: matched, callback: "0x" },
    {
      name: "the largest of everything",
      change: {
        auctionId: Number.MAX_SAFE_INTEGER, gas: MAX_UINT32, callbackGas: MAX_UINT32, validUntil: MAX_UINT32,
        penalty: (2n ** 128n - 1n).toString(), nonce: MAX_UINT256, salt: `0x${"ff".repeat(32)}`, clientBidId: `0x${"ff".repeat(32)}`,
      },
      legs: [{ from: largest, to: ZERO_WORD, amount: MAX_UINT256 }, { from: ZERO_WORD, to: largest, amount: MAX_UINT256 }],
      callback: "0x00",
    },
    { name: "the smallest of everything", change: { auctionId: 1, gas: 1, penalty: "0", nonce: "0", validUntil: 1, salt: ZERO_WORD, clientBidId: ZERO_WORD }, legs: matched, callback: "0x" },
  ];
}

async function bids(signed: IntentVector[]) {
  return Promise.all(bidCases(signed).map(async ({ name, change, legs, callback }) => {
    const privateKey = key(`solver of ${name}`);
    const bid: BidTerms = {
      auctionId: 42, solver: privateKeyToAddress(privateKey), filler: address("filler"), gas: 400000, callbackGas: 0,
      penalty: "10000000000000000", validUntil: 1900000000, nonce: "3", salt: word(`salt of ${name}`), clientBidId: word(`reference of ${name}`),
      ...change,
    };
    const message = bidMessage(bid, legs, callback);
    const made = await signBoth(domain, "Bid", message, privateKey);
    return { name, bid, legs, callback, legsHash: legsHash(legs), callbackHash: keccak256(callback), ...made };
  }));
}

async function receipts() {
  const cases = [
    { name: "an ordinary receipt", ms: 1790000000123, seq: 0 },
    { name: "the second bid of a millisecond", ms: 1790000000123, seq: 1 },
    { name: "the largest numbers", ms: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER },
  ];
  return Promise.all(cases.map(async ({ name, ms, seq }) => {
    const message = { openHash: word(`opening of ${name}`), bid: word(`bid of ${name}`), ms, seq };
    return { name, ...message, ...(await signBoth(domain, "Receipt", message, key("operator"))) };
  }));
}

export async function eip712Vectors() {
  const signed = await intents();
  return { domain, intents: signed, cancels: await cancels(), bids: await bids(signed), receipts: await receipts() };
}

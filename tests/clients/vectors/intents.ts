// Signed intents, with the edges of every field.
import { type Hex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { signBoth } from "../lib/sign.js";
import { type Intent, ZERO_ADDRESS, ZERO_WORD } from "../lib/types.js";
import { MAX_FILL, MAX_UINT256, MAX_UINT32, address, domain, key, word } from "./names.js";

const gold = address("gold");
const silver = address("silver");
const copper = address("copper");

function intentOf(
  name: string,
  change: Partial<Intent> = {},
): { name: string; intent: Intent; privateKey: Hex } {
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
  intentOf("the largest amounts", {
    kind: 1,
    sellAmount: MAX_UINT256,
    buyAmount: MAX_FILL,
    validTo: MAX_UINT32,
  }),
  intentOf("the largest exact-in", { sellAmount: MAX_FILL, buyAmount: MAX_FILL }),
  intentOf("the smallest amounts", { sellAmount: "1", buyAmount: "1", validTo: 1 }),
  intentOf("the largest nonce", { nonce: MAX_UINT256 }),
  intentOf("a nonce in a high word", { nonce: (2n ** 200n + 3n).toString() }),
  intentOf("every field set", {
    receiver: address("receiver"),
    appData: word("all"),
    kind: 1,
    partiallyFillable: true,
    nonce: MAX_UINT256,
  }),
  intentOf("ring: gold for silver"),
  intentOf("ring: silver for copper", {
    sellToken: silver,
    buyToken: copper,
    sellAmount: "2500000000",
    buyAmount: "4000000",
  }),
  intentOf("ring: copper for gold", {
    sellToken: copper,
    buyToken: gold,
    sellAmount: "4000000",
    buyAmount: "900000000000000000",
  }),
  intentOf("counterpart: silver for gold", {
    sellToken: silver,
    buyToken: gold,
    sellAmount: "2600000000",
    buyAmount: "1000000000000000000",
  }),
];

export async function intents() {
  return Promise.all(
    intentCases.map(async ({ name, intent, privateKey }) => ({
      name,
      intent,
      ...(await signBoth(domain, "Intent", { ...intent }, privateKey)),
    })),
  );
}
export type IntentVector = Awaited<ReturnType<typeof intents>>[number];

// tests/vectors/eip712.json: every struct that is signed.
import type { Hex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { signBoth } from "../lib/sign.js";
import { bids } from "./bids.js";
import { intents } from "./intents.js";
import { domain, key, word } from "./names.js";

async function cancels() {
  const many = Array.from({ length: 40 }, (_, n) => word(`intent ${n}`));
  const lists: [string, Hex[]][] = [
    ["one intent", many.slice(0, 1)],
    ["two intents", many.slice(0, 2)],
    ["many intents", many],
    ["no intent", []],
  ];
  return Promise.all(
    lists.map(async ([name, list]) => {
      const privateKey = key(`canceller of ${name}`);
      const owner = privateKeyToAddress(privateKey);
      return {
        name,
        owner,
        intents: list,
        ...(await signBoth(domain, "Cancel", { owner, intents: list }, privateKey)),
      };
    }),
  );
}

async function receipts() {
  const cases = [
    { name: "an ordinary receipt", ms: 1790000000123, seq: 0 },
    { name: "the second bid of a millisecond", ms: 1790000000123, seq: 1 },
    { name: "the largest numbers", ms: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER },
  ];
  return Promise.all(
    cases.map(async ({ name, ms, seq }) => {
      const message = { openHash: word(`opening of ${name}`), bid: word(`bid of ${name}`), ms, seq };
      return { name, ...message, ...(await signBoth(domain, "Receipt", message, key("operator"))) };
    }),
  );
}

export async function eip712Vectors() {
  const signed = await intents();
  return {
    domain,
    intents: signed,
    cancels: await cancels(),
    bids: await bids(signed),
    receipts: await receipts(),
  };
}

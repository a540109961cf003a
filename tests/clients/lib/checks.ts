// What a wallet believes only after it has seen it: the chain first, then the API's own words.
import { strict as assert } from "node:assert";
import { type Hex, isAddressEqual } from "viem";
import type { IntentView, Token } from "./api.js";
import type { MarketEvent } from "./sse.js";
import type { Pair, Story } from "./story.js";
import type { Intent } from "./types.js";

export async function checkChain(
  { kit, chain, log }: Story,
  pair: Pair,
  intent: Intent,
  filled: MarketEvent,
) {
  const tx = filled.data["tx"] as Hex;
  const receipt = await kit.receipt(tx);
  assert(receipt.status, "the reveal transaction succeeded");
  assert(receipt.to !== null && isAddressEqual(receipt.to, chain.settlement), "it called Settlement");
  assert.deepEqual(
    filled.data["block"],
    { number: Number(receipt.blockNumber), hash: receipt.blockHash },
    "in the block the event names",
  );
  const fills = receipt.logs
    .filter((entry) => isAddressEqual(entry.address, chain.settlement))
    .flatMap((entry) => kit.fillsOf(entry));
  const mine = fills.filter((fill) => fill.intent === filled.data["id"]);
  assert.equal(mine.length, 1, "the transaction filled the intent exactly once");
  const sold = mine[0]?.sold ?? 0n;
  const bought = mine[0]?.bought ?? 0n;
  assert.deepEqual(
    [filled.data["sold"], filled.data["bought"]],
    [sold.toString(), bought.toString()],
    "for the amounts the event tells",
  );
  const [exactSide, exact] = intent.kind === 0 ? [sold, intent.sellAmount] : [bought, intent.buyAmount];
  assert.equal(exactSide, BigInt(exact), "the exact side moved exactly");
  assert(
    sold <= BigInt(intent.sellAmount) && bought >= BigInt(intent.buyAmount),
    "and the other within the limit",
  );
  const change = async (token: Token): Promise<bigint> =>
    (await kit.balance(token.address, kit.address, receipt.blockNumber)) -
    (await kit.balance(token.address, kit.address, receipt.blockNumber - 1n));
  assert.equal(await change(pair.sell), -sold, `the balance of ${pair.sell.symbol} fell by what was sold`);
  assert.equal(await change(pair.buy), bought, `the balance of ${pair.buy.symbol} rose by what was bought`);
  const nonce = BigInt(intent.nonce);
  const word = await kit.nonceWord(chain.settlement, nonce >> 8n);
  assert.equal((word >> (nonce & 255n)) & 1n, 1n, "the nonce is used up on chain");
  log(`chain agrees: sold ${sold} ${pair.sell.symbol}, bought ${bought} ${pair.buy.symbol}, nonce used`);
  return { sold, bought, tx };
}

export async function checkTimeline({ api, log }: Story, view: IntentView): Promise<void> {
  const { items } = await api.timeline(view.id);
  assert(items.length > 0, "the intent has a timeline");
  assert(
    items.every((item, n) => item.at_ms >= (items[n - 1]?.at_ms ?? 0)),
    "in order of time",
  );
  log(`timeline: ${items.map((item) => item.kind).join(", ")}`);
}

/** What the stream told is what the history tells, word for word. */
export async function checkHistory({ api, waiter, log }: Story): Promise<void> {
  const [first, ...seen] = waiter.events;
  assert(first !== undefined, "something was streamed");
  const history = await api.history(first.cursor);
  assert.deepEqual(history.slice(0, seen.length), seen, "the history is what was streamed");
  log(`history agrees with the stream on ${seen.length} events`);
}

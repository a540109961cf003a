// The story a wallet lives: sign, post, follow the stream until it is filled, believe only the chain.
import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import { Api, type Chain, type Token } from "./api.js";
import { checkChain, checkTimeline } from "./checks.js";
import { EventFollower } from "./sse.js";
import { type Toolkit, typedOf } from "./toolkit.js";
import { type Intent, ZERO_ADDRESS, ZERO_WORD } from "./types.js";
import { Waiter } from "./waiter.js";

export interface Options {
  api: string;
  timeoutMs: number;
  sell: string | undefined;
  buy: string | undefined;
  log: (line: string) => void;
}

export interface Outcome {
  id: Hex;
  tx: Hex;
  sold: string;
  bought: string;
  cancelled: Hex;
  connections: number;
}

/** How much worse than the reference price the wallet accepts. */
const SLIPPAGE_PERCENT = 5n;
const TTL_S = 3600;

export async function liveStory(kit: Toolkit, options: Options): Promise<Outcome> {
  const api = new Api(options.api);
  const { log } = options;
  const chain = await api.chain();
  assert.equal(await kit.chainId(), chain.chain_id, "the API and the RPC speak of the same chain");
  const pair = await choosePair(kit, chain, options);
  log(`${kit.name} wallet ${kit.address}: ${pair.sell.symbol} for ${pair.buy.symbol} on chain ${chain.chain_id}`);
  if ((await kit.allowance(pair.sell.address, chain.settlement)) < pair.amount) {
    log(`approving ${chain.settlement} for ${pair.sell.symbol}`);
    await kit.approve(pair.sell.address, chain.settlement);
  }

  const waiter = new Waiter(options.timeoutMs);
  const follower = new EventFollower(api.base, () => waiter.note("connected"));
  const reading = readAll(follower, waiter);
  try {
    await waiter.until("the stream's hello", () => waiter.noted("connected"));
    const story = { api, kit, chain, waiter, follower, log };
    const filled = await fillOne(story, pair);
    const cancelled = await cancelOne(story, pair);
    return { ...filled, cancelled, connections: follower.connections };
  } finally {
    follower.close();
    await reading;
  }
}

async function readAll(follower: EventFollower, waiter: Waiter): Promise<void> {
  try {
    for await (const event of follower.events()) waiter.push(event);
    waiter.fail(new Error("the stream ended"));
  } catch (error) {
    waiter.fail(error instanceof Error ? error : new Error(String(error)));
  }
}

export interface Pair {
  sell: Token;
  buy: Token;
  amount: bigint;
  fair: bigint;
}

export interface Story {
  api: Api;
  kit: Toolkit;
  chain: Chain;
  waiter: Waiter;
  follower: EventFollower;
  log: (line: string) => void;
}

async function choosePair(kit: Toolkit, chain: Chain, options: Options): Promise<Pair> {
  for (const sell of chain.tokens) {
    const buy = chain.tokens.find((token) => token !== sell && (options.buy ?? token.symbol) === token.symbol);
    if ((options.sell ?? sell.symbol) !== sell.symbol || buy === undefined) continue;
    const balance = await kit.balance(sell.address, kit.address);
    if (balance < 1000n) continue;
    const unit = 10n ** BigInt(sell.decimals);
    const amount = balance / 10n < unit ? balance / 10n : unit;
    return { sell, buy, amount, fair: (amount * BigInt(sell.price)) / BigInt(buy.price) };
  }
  throw new Error(`${kit.address} owns none of the listed tokens that it was told to sell`);
}

/** Makes, signs and names an intent; its id is its EIP-712 digest. */
export async function signIntent({ kit, chain }: Story, pair: Pair, buyAmount: bigint): Promise<{ id: Hex; intent: Intent; signature: Hex }> {
  const intent: Intent = {
    owner: kit.address,
    receiver: ZERO_ADDRESS,
    sellToken: pair.sell.address,
    buyToken: pair.buy.address,
    sellAmount: pair.amount.toString(),
    buyAmount: buyAmount.toString(),
    nonce: BigInt(`0x${randomBytes(8).toString("hex")}`).toString(),
    validTo: Math.floor(chain.server_time_ms / 1000) + Math.min(TTL_S, chain.max_ttl_s),
    kind: 0,
    partiallyFillable: false,
    appData: ZERO_WORD,
  };
  const typed = typedOf(chain, "Intent", { ...intent });
  return { id: kit.hash(typed), intent, signature: await kit.sign(typed) };
}

async function fillOne(story: Story, pair: Pair): Promise<Omit<Outcome, "cancelled" | "connections">> {
  const { api, waiter, follower, log } = story;
  const { id, intent, signature } = await signIntent(story, pair, (pair.fair * (100n - SLIPPAGE_PERCENT)) / 100n);
  const posted = await api.postIntent(intent, signature);
  assert.equal(posted.status, 201, "a new intent is created");
  assert.equal(posted.body.id, id, "the API names the intent by the digest the wallet signed");
  const again = await api.postIntent(intent, signature);
  assert.equal(again.status, 200, "the same intent again is no second one");
  assert.equal(again.body.id, id, "and has the same id");
  log(`posted ${id}, and again: 201, 200`);

  await waiter.until("intent.opened", () => waiter.event("intent.opened", id));
  follower.interrupt();
  log("cut the connection after intent.opened; resuming by Last-Event-ID");
  const filled = await waiter.until("intent.filled", () => waiter.event("intent.filled", id));
  log(`filled in auction ${filled.data["auction_id"]}: ${filled.data["tx"]}`);
  assert(follower.connections >= 2, "the stream was resumed");
  const { sold, bought, tx } = await checkChain(story, pair, intent, filled);

  const view = await api.intent(id);
  assert.equal(view.status, "filled", "the API's own view agrees");
  assert.equal(view.evidence?.tx, tx, "and rests on the same transaction");
  assert.equal((await api.postIntent(intent, signature)).body.status, "filled", "posting a filled intent again only tells so");
  await checkTimeline(story, view);
  return { id, tx, sold: sold.toString(), bought: bought.toString() };
}

async function cancelOne(story: Story, pair: Pair): Promise<Hex> {
  const { api, kit, chain, waiter, log } = story;
  const { id, intent, signature } = await signIntent(story, pair, pair.fair * 1000n);
  await api.postIntent(intent, signature);
  const owner = kit.address;
  const consent = await kit.sign(typedOf(chain, "Cancel", { owner, intents: [id] }));
  const [result] = await api.cancel(owner, [id], consent);
  log(`cancelling ${id}: ${result?.result}`);
  assert(result?.result === "cancelled" || result?.result === "too_late", `an open intent's cancellation is not ${result?.result}`);
  if (result.result === "too_late") assert(result.auction_id !== undefined, "too_late names the auction that holds it");
  await waiter.until("intent.cancelled", () => waiter.event("intent.cancelled", id));
  assert.equal((await api.intent(id)).status, "cancelled", "the API's view agrees");
  const [again] = await api.cancel(owner, [id], consent);
  assert.equal(again?.result, "already_final", "cancelling twice is answered honestly");
  log("cancelled, told on the stream");
  return id;
}

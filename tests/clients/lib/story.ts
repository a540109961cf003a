// The story a wallet lives: sign, post, follow the stream until it is filled, believe only the chain.
import { strict as assert } from "node:assert";
import type { Hex } from "viem";
import { Api, type Chain, type Token } from "./api.js";
import { checkHistory } from "./checks.js";
import { cancelHeld, cancelOpen } from "./cancel.js";
import { type Filled, fillOne } from "./fill.js";
import { EventFollower } from "./sse.js";
import type { Toolkit } from "./toolkit.js";
import { Waiter } from "./waiter.js";

export interface Options {
  api: string;
  timeoutMs: number;
  sell: string | undefined;
  buy: string | undefined;
  amount: bigint | undefined;
  exactOut: boolean;
  log: (line: string) => void;
}

export interface Outcome extends Filled {
  cancelled: Hex[];
  connections: number;
}

export async function liveStory(kit: Toolkit, options: Options): Promise<Outcome> {
  const api = new Api(options.api);
  const { log } = options;
  const chain = await api.chain();
  assert.equal(await kit.chainId(), chain.chain_id, "the API and the RPC speak of the same chain");
  const pair = await choosePair(kit, chain, options);
  log(
    `${kit.name} wallet ${kit.address}: ${pair.sell.symbol} for ${pair.buy.symbol} on chain ${chain.chain_id}`,
  );
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
    const filled = await fillOne(story, pair, options.exactOut);
    const cancelled = [await cancelOpen(story, pair), await cancelHeld(story, pair)];
    await checkHistory(story);
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

/** What is traded; `fair` is worth `amount` at the reference prices. */
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
    const buy = chain.tokens.find(
      (token) => token !== sell && (options.buy ?? token.symbol) === token.symbol,
    );
    if ((options.sell ?? sell.symbol) !== sell.symbol || buy === undefined) continue;
    const balance = await kit.balance(sell.address, kit.address);
    if (balance < 1000n) continue;
    const unit = 10n ** BigInt(sell.decimals);
    const amount = options.amount ?? (balance / 10n < unit ? balance / 10n : unit);
    return { sell, buy, amount, fair: (amount * BigInt(sell.price)) / BigInt(buy.price) };
  }
  throw new Error(`${kit.address} owns none of the listed tokens that it was told to sell`);
}

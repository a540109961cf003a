// An intent from signature to fill: posted twice, followed on a stream that is cut on the way.
import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import { checkChain, checkTimeline } from "./checks.js";
import type { Pair, Story } from "./story.js";
import { typedOf } from "./toolkit.js";
import { type Intent, ZERO_ADDRESS, ZERO_WORD } from "./types.js";

export interface Filled {
  id: Hex;
  kind: "exact-in" | "exact-out";
  tx: Hex;
  sold: string;
  bought: string;
}

/** How much worse than the reference price the wallet accepts. */
const SLIPPAGE_PERCENT = 5n;
const TTL_S = 3600;

/** Makes, signs and names an intent; its id is its EIP-712 digest. */
export async function signIntent({ kit, chain }: Story, pair: Pair, buyAmount: bigint, exactOut = false) {
  const intent: Intent = {
    owner: kit.address,
    receiver: ZERO_ADDRESS,
    sellToken: pair.sell.address,
    buyToken: pair.buy.address,
    sellAmount: pair.amount.toString(),
    buyAmount: buyAmount.toString(),
    nonce: BigInt(`0x${randomBytes(8).toString("hex")}`).toString(),
    validTo: Math.floor(chain.server_time_ms / 1000) + Math.min(TTL_S, chain.max_ttl_s),
    kind: exactOut ? 1 : 0,
    partiallyFillable: false,
    appData: ZERO_WORD,
  };
  const typed = typedOf(chain, "Intent", { ...intent });
  return { id: kit.hash(typed), intent, signature: await kit.sign(typed) };
}

/** Has an intent filled, and believes it once the chain says so. */
export async function fillOne(story: Story, pair: Pair, exactOut: boolean): Promise<Filled> {
  const { api, waiter, follower, log } = story;
  const { id, intent, signature } = await signIntent(
    story,
    pair,
    (pair.fair * (100n - SLIPPAGE_PERCENT)) / 100n,
    exactOut,
  );
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
  assert.equal(
    (await api.postIntent(intent, signature)).body.status,
    "filled",
    "posting a filled intent again only tells so",
  );
  await checkTimeline(story, view);
  return {
    id,
    kind: exactOut ? "exact-out" : "exact-in",
    tx,
    sold: sold.toString(),
    bought: bought.toString(),
  };
}

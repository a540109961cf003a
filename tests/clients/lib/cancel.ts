// Cancellations and their honest answers.
import { strict as assert } from "node:assert";
import type { Hex } from "viem";
import type { CancelResult } from "./api.js";
import { signIntent } from "./fill.js";
import type { MarketEvent } from "./sse.js";
import type { Pair, Story } from "./story.js";
import { typedOf } from "./toolkit.js";

/** Nobody fills at a thousand times the reference price. */
const postUnfillable = async (story: Story, pair: Pair): Promise<Hex> => {
  const { id, intent, signature } = await signIntent(story, pair, pair.fair * 1000n);
  await story.api.postIntent(intent, signature);
  return id;
};

async function cancel({ api, kit, chain, log }: Story, id: Hex): Promise<CancelResult> {
  const owner = kit.address;
  const consent = await kit.sign(typedOf(chain, "Cancel", { owner, intents: [id] }));
  const [result] = await api.cancel(owner, [id], consent);
  assert(result !== undefined && result.id === id, "the answer is about the intent that was asked for");
  log(
    `cancelling ${id}: ${result.result}${result.auction_id === undefined ? "" : `, auction ${result.auction_id} holds it`}`,
  );
  return result;
}

async function checkGone(story: Story, id: Hex): Promise<void> {
  const { api, waiter, log } = story;
  await waiter.until("intent.cancelled", () => waiter.event("intent.cancelled", id));
  assert.equal((await api.intent(id)).status, "cancelled", "the API's view agrees");
  log("cancelled, told on the stream");
}

/** Cancels an intent at once, most likely before any auction holds it. */
export async function cancelOpen(story: Story, pair: Pair): Promise<Hex> {
  const id = await postUnfillable(story, pair);
  const { result, auction_id } = await cancel(story, id);
  assert(result === "cancelled" || result === "too_late", `an open intent's cancellation is not ${result}`);
  assert.equal(auction_id !== undefined, result === "too_late", "only too_late names an auction");
  await checkGone(story, id);
  assert.equal((await cancel(story, id)).result, "already_final", "cancelling twice is answered honestly");
  return id;
}

/** Cancels an intent that an auction holds: too late, and done as soon as that auction lets it go. */
export async function cancelHeld(story: Story, pair: Pair): Promise<Hex> {
  const id = await postUnfillable(story, pair);
  const holds = (event: MarketEvent): boolean =>
    (event.data["intents"] as { id: Hex }[]).some((entry) => entry.id === id);
  const opened = await story.waiter.until("auction with the intent", () =>
    story.waiter.find("auction.opened", holds),
  );
  const { result, auction_id } = await cancel(story, id);
  assert(result === "cancelled" || result === "too_late", `a held intent's cancellation is not ${result}`);
  if (result === "too_late")
    assert(
      (auction_id ?? 0) >= Number(opened.data["auction_id"]),
      "too_late names the auction that holds it",
    );
  await checkGone(story, id);
  return id;
}

// Checks tests/vectors/batch.json, which Rust makes, against our own packer and digests.
import { strict as assert } from "node:assert";
import type { Address, Hex } from "viem";
import { type BatchHeader, type SignedBid, type SignedIntent, packBatch } from "../batch.js";
import { bidMessage, hashBoth } from "../lib/sign.js";
import type { Domain } from "../lib/types.js";

interface BatchVector {
  name: string;
  chainId: number;
  settlement: Address;
  header: BatchHeader;
  bids: (SignedBid & { digest: Hex })[];
  intents: SignedIntent[];
  batch: Hex;
}

/** How many batches were packed to the bytes that are kept. */
export function checkBatches(vectors: unknown): number {
  const batches = vectors as BatchVector[];
  for (const { name, chainId, settlement, header, bids, intents, batch } of batches) {
    const domain: Domain = { name: "Gavel", version: "1", chainId, verifyingContract: settlement };
    for (const { id, intent } of intents)
      assert.equal(hashBoth(domain, "Intent", { ...intent }), id, `an intent's id in "${name}"`);
    for (const { bid, legs, callback, digest } of bids) {
      assert.equal(
        hashBoth(domain, "Bid", bidMessage(bid, legs, callback)),
        digest,
        `a bid's id in "${name}"`,
      );
    }
    assert.equal(packBatch(header, bids, intents), batch, `the packed bytes of "${name}"`);
  }
  assert(batches.length > 0, "batch.json holds batches");
  return batches.length;
}

// Checks tests/vectors/batch.json, which Rust makes, against our own packer.
import { strict as assert } from "node:assert";
import { type BatchHeader, type SignedBid, type SignedIntent, packBatch } from "../batch.js";

interface BatchVector {
  name: string;
  header: BatchHeader;
  bids: SignedBid[];
  intents: SignedIntent[];
  batch: string;
}

/** How many batches were packed to the bytes that are kept. */
export function checkBatches(vectors: unknown): number {
  const batches = vectors as BatchVector[];
  for (const { name, header, bids, intents, batch } of batches) {
    assert.equal(packBatch(header, bids, intents), batch, `the packed bytes of "${name}"`);
  }
  return batches.length;
}

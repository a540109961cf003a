// Checks tests/vectors/batch.json, which Rust makes, against our own packer.
export async function checkBatches(_vectors: unknown): Promise<number> {
  throw new Error("not yet");
}

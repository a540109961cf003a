// Makes the golden vectors (--write), or makes them again and compares (--check).
// Everything is made by viem and by ethers, which must agree on each byte.
import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { checkBatches } from "./vectors/batch.js";
import { commitmentVectors } from "./vectors/commitment.js";
import { eip712Vectors } from "./vectors/eip712.js";
import { merkleVectors } from "./vectors/merkle.js";
import { checkOpenings } from "./vectors/opening.js";

const pathOf = (name: string): string => fileURLToPath(new URL(`../vectors/${name}.json`, import.meta.url));

async function main(mode: string | undefined): Promise<void> {
  const made: Record<string, unknown> = {
    eip712: await eip712Vectors(),
    commitment: commitmentVectors(),
    merkle: merkleVectors(),
  };
  if (mode === "--write") {
    for (const [name, vectors] of Object.entries(made))
      writeFileSync(pathOf(name), `${JSON.stringify(vectors, null, 2)}\n`);
    console.log(`wrote ${Object.keys(made).join(", ")}`);
    return;
  }
  if (mode !== "--check") throw new Error("usage: vectors.ts --write | --check");
  for (const [name, vectors] of Object.entries(made)) {
    const kept: unknown = JSON.parse(readFileSync(pathOf(name), "utf8"));
    assert.deepEqual(kept, JSON.parse(JSON.stringify(vectors)), `${name}.json is what viem and ethers make`);
    console.log(`ok ${name}.json: viem and ethers make the same`);
  }
  const count = checkBatches(JSON.parse(readFileSync(pathOf("batch"), "utf8")));
  console.log(`ok batch.json: ${count} batches packed to the same bytes`);
  const openings = checkOpenings(JSON.parse(readFileSync(pathOf("opening"), "utf8")));
  console.log(`ok opening.json: ${openings} opening records hashed alike`);
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

// Writes artifacts/*.json from forge's output: the ABI and bytecode that the rest of the house
// deploys and calls. With --check it writes nothing and fails if what is committed differs.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const CONTRACTS = ["Settlement", "InventoryFiller", "MockToken"];
const MAX_RUNTIME_BYTES = 24_576; // EIP-170
const solc = createRequire(import.meta.url)("solc/package.json").version;

/** The artifact as it is committed: everything in it follows from the sources and the pinned tools. */
function artifact(name) {
  const out = JSON.parse(readFileSync(join(ROOT, "out", `${name}.sol`, `${name}.json`), "utf8"));
  const { bytecode, deployedBytecode, abi } = out;
  if (bytecode.object.includes("__")) throw new Error(`${name}: unlinked libraries`);
  const size = (deployedBytecode.object.length - 2) / 2;
  if (size > MAX_RUNTIME_BYTES) throw new Error(`${name}: ${size} bytes of runtime code`);
  return {
    contractName: name,
    solc,
    abi,
    bytecode: bytecode.object,
    deployedBytecode: deployedBytecode.object,
    bytecodeSha256: createHash("sha256").update(bytecode.object).digest("hex"),
  };
}

const check = process.argv.includes("--check");
const stale = [];
for (const name of CONTRACTS) {
  const path = join(ROOT, "artifacts", `${name}.json`);
  const text = JSON.stringify(artifact(name), null, 2) + "\n";
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== text) stale.push(name);
}
if (stale.length > 0) {
  console.error(`artifacts differ from what the sources give: ${stale.join(", ")}; run make artifacts`);
  process.exit(1);
}

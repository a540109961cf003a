// How much of src/ the tests run: fails below the floor. Assembly is left out, because forge counts
// none of it as run; `src/dev` is no part of what is deployed.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** In hundredths of a per cent, just below what was measured (99.38, 98.42, 100): who covers more raises it. The lines that are missing are declarations
 * which the compiler has moved; the branches are of a gas price below the cap and of long callback data. */
const FLOOR = { lines: 9_900, branches: 9_800, functions: 10_000 };

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const WORK = join(ROOT, "../../target/coverage"); // its own cache: the code is not that of the other builds
const REPORT = join(WORK, "lcov.info");

function measure() {
  mkdirSync(WORK, { recursive: true });
  const env = {
    ...process.env,
    FOUNDRY_OUT: join(WORK, "out"),
    FOUNDRY_CACHE_PATH: join(WORK, "cache"),
    SETTLEMENT_ARTIFACT: "Settlement.sol:Settlement",
    FORGE_SNAPSHOT_EMIT: "false",
    FOUNDRY_FUZZ_RUNS: "32",
  };
  const skipped = ["--no-match-contract", "GasTest|InvariantsTest"]; // they measure other things, at length
  const args = ["coverage", "--ir-minimum", "--exclude-tests", "--report", "lcov", "--report-file", REPORT, ...skipped];
  const run = spawnSync("npx", ["--no-install", "forge", ...args], { cwd: ROOT, env, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${run.stdout}${run.stderr}`);
}

/** The numbers of the lines of a source that lie in assembly blocks. */
function assembly(path) {
  const lines = new Set();
  let depth = 0;
  for (const [index, text] of readFileSync(join(ROOT, path), "utf8").split("\n").entries()) {
    if (depth === 0 && !/^\s*assembly\b/.test(text)) continue;
    lines.add(index + 1);
    depth += text.split("{").length - text.split("}").length;
  }
  return lines;
}

/** Found and hit of one record of the report, and what was missed. */
function count(record) {
  const path = /^SF:(.*)$/m.exec(record)[1];
  const hidden = assembly(path);
  const all = { lines: [], branches: [], functions: [] };
  for (const [, line, hits] of record.matchAll(/^DA:(\d+),(\d+)/gm)) {
    if (!hidden.has(Number(line))) all.lines.push([line, hits !== "0"]);
  }
  for (const [, line, hits] of record.matchAll(/^BRDA:(\d+),\d+,\d+,(-|\d+)/gm)) {
    if (!hidden.has(Number(line))) all.branches.push([line, hits !== "-" && hits !== "0"]);
  }
  const lineOf = new Map([...record.matchAll(/^FN:(\d+),(.*)$/gm)].map(([, line, name]) => [name, Number(line)]));
  for (const [, hits, name] of record.matchAll(/^FNDA:(\d+),(.*)$/gm)) {
    if (!hidden.has(lineOf.get(name))) all.functions.push([name, hits !== "0"]);
  }
  return { path, all };
}

measure();
const total = { lines: [0, 0], branches: [0, 0], functions: [0, 0] };
for (const record of readFileSync(REPORT, "utf8").split("end_of_record").filter((text) => text.includes("SF:"))) {
  const { path, all } = count(record);
  if (!path.startsWith("src/") || path.startsWith("src/dev/")) continue;
  for (const [kind, entries] of Object.entries(all)) {
    total[kind][0] += entries.filter(([, hit]) => hit).length;
    total[kind][1] += entries.length;
    const missed = entries.filter(([, hit]) => !hit).map(([where]) => where);
    if (missed.length > 0) console.log(`${path}: ${kind} not run: ${missed.join(", ")}`);
  }
}
let below = false;
for (const [kind, [hit, found]] of Object.entries(total)) {
  const share = Math.floor((hit * 10_000) / found);
  console.log(`coverage of ${kind}: ${hit} of ${found}, ${share / 100} %, floor ${FLOOR[kind] / 100} %`);
  below ||= share < FLOOR[kind];
}
process.exit(below ? 1 : 0);

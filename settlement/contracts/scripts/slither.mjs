// Static analysis of src/ by slither. It reads syntax trees, not bytecode, so they are all that is compiled
// here: two seconds instead of the optimizer's twenty. Fails on any finding that is not explained
// beside the code (`slither-disable`).
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const TOOL = join(ROOT, "../../target/slither"); // made by the Makefile
const REMAPPING = "solady/=node_modules/solady/src/";
const solc = createRequire(import.meta.url)("solc");

/** Every source of the folder, by its path from the root. */
function sources(folder) {
  const found = readdirSync(join(ROOT, folder), { recursive: true }).filter((name) => name.endsWith(".sol"));
  return Object.fromEntries(found.sort().map((name) => [`${folder}/${name}`, { content: read(`${folder}/${name}`) }]));
}

function read(path) {
  return readFileSync(join(ROOT, path), "utf8");
}

/** What forge calls a build info, with syntax trees and interfaces and without code. */
function buildInfo() {
  const wanted = { "*": { "": ["ast"], "*": ["abi"] } };
  const settings = { remappings: [REMAPPING], evmVersion: "prague", viaIR: true, outputSelection: wanted };
  const input = { language: "Solidity", sources: sources("src"), settings };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: (path) => ({ contents: read(path) }) }));
  const errors = (output.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  const none = { object: "", sourceMap: "" };
  for (const contract of Object.values(output.contracts).flatMap(Object.values)) {
    contract.evm = { bytecode: none, deployedBytecode: none };
  }
  return { solcVersion: solc.version().split("+")[0], input, output };
}

const folder = join(TOOL, "build-info");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "src.json"), JSON.stringify(buildInfo()));
const PATH = [join(ROOT, "node_modules/.bin"), process.env.PATH].join(delimiter);
const args = [".", "--foundry-ignore-compile", "--foundry-build-info-directory", folder, ...process.argv.slice(2)];
const run = spawnSync(join(TOOL, "bin/slither"), args, { cwd: ROOT, env: { ...process.env, PATH }, stdio: "inherit" });
if (run.error) throw run.error;
process.exit(run.status ?? 1);

// Where each contract's ABI and bytecode come from: ours are committed, the peers' stay in node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Artifact } from "./chain.js";

const load = createRequire(import.meta.url);

export function gavel(name: string): Artifact {
  const path = fileURLToPath(new URL(`../../settlement/contracts/artifacts/${name}.json`, import.meta.url));
  return JSON.parse(readFileSync(path, "utf8")) as Artifact;
}

export const cow = (name: string): Artifact =>
  load(`@cowprotocol/contracts/lib/contracts/${name}.json`) as Artifact;

/** Uniswap's package compiles its contracts in, but does not export them. */
export function uniswap(name: string): Artifact {
  const entry = load.resolve("@uniswap/uniswapx-sdk");
  const root = entry.slice(0, entry.lastIndexOf("/dist/"));
  const module = load(`${root}/dist/cjs/src/contracts/factories/${name}__factory.js`) as Record<
    string,
    Artifact
  >;
  const found = module[`${name}__factory`];
  if (found === undefined) throw new Error(`${name} is not in @uniswap/uniswapx-sdk`);
  return { abi: found.abi, bytecode: found.bytecode };
}

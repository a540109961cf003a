#!/usr/bin/env node
// Lets forge use the solc that npm has pinned. forge speaks to a native compiler: it asks for
// `--version` and then sends one standard-JSON document on stdin. Everything else forge passes
// (base and include paths) is of no use here, because it inlines every source it sends.
const fs = require("node:fs");
const solc = require("solc");

if (process.argv.includes("--version")) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(fs.readFileSync(0, "utf8")) + "\n");
} else {
  process.stderr.write("usage: solc.js --version | --standard-json < input.json\n");
  process.exit(2);
}

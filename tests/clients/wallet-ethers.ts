// The same wallet on ethers: --api URL --key 0x… --rpc URL [--sell SYMBOL] [--buy SYMBOL] [--amount atoms] [--exact-out]
//   [--timeout s] [--json]
import { ethersToolkit } from "./lib/ethers.js";
import { runWallet } from "./lib/run.js";

await runWallet(ethersToolkit);

// A wallet on viem: --api URL --key 0x… --rpc URL [--sell SYMBOL] [--buy SYMBOL] [--amount atoms] [--exact-out]
//   [--timeout s] [--json]
// It knows nothing but these; the RPC is for approving and for checking the chain.
import { runWallet } from "./lib/run.js";
import { viemToolkit } from "./lib/viem.js";

await runWallet(viemToolkit);

// The command line both wallets share.
import type { Hex } from "viem";
import { Args } from "./args.js";
import { liveStory } from "./story.js";
import type { Toolkit } from "./toolkit.js";

export async function runWallet(make: (privateKey: Hex, rpc: string) => Toolkit): Promise<void> {
  const json = process.argv.includes("--json");
  try {
    const args = new Args(
      process.argv.slice(2),
      ["api", "key", "rpc", "timeout", "sell", "buy", "amount"],
      ["json", "exact-out"],
    );
    const kit = make(args.hex("key"), args.required("rpc"));
    const log = json ? (line: string) => console.error(line) : (line: string) => console.log(line);
    const amount = args.get("amount");
    const options = {
      api: args.required("api"),
      timeoutMs: args.seconds("timeout", 60),
      sell: args.get("sell"),
      buy: args.get("buy"),
      amount: amount === undefined ? undefined : BigInt(amount),
      exactOut: args.has("exact-out"),
      log,
    };
    const outcome = await liveStory(kit, options);
    console.log(
      json ? JSON.stringify({ ok: true, ...outcome }) : `ok: ${outcome.id} filled by ${outcome.tx}`,
    );
    process.exit(0);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.log(json ? JSON.stringify({ ok: false, reason }) : `failed: ${reason}`);
    process.exit(1);
  }
}

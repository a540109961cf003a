// Gas per swap of Gavel, CoW and UniswapX: whole transactions on one anvil, same tokens, same users.
// usage: compare.ts [--out FILE.json]
import { writeFileSync } from "node:fs";
import { startAnvil } from "./anvil.js";
import { Args } from "../clients/lib/args.js";
import { Chain } from "./chain.js";
import { Cow } from "./cow.js";
import { Gavel, type NonceOf } from "./gavel.js";
import { type Market, inventorySwaps, matchedSwaps, openMarket } from "./market.js";
import { type Row, print, printGoals, row } from "./report.js";
import { UniswapX } from "./uniswapx.js";

const SIZES = [1, 2, 10, 50];
/** What was measured for these peers before, so that a drifting method shows (within 1 %). */
const KNOWN: Record<string, number> = {
  cow_matched_2: 82_066,
  cow_matched_10: 62_563,
  cow_matched_50: 58_685,
  cow_inventory_1: 134_046,
  cow_inventory_2: 95_859,
  cow_inventory_10: 65_318,
  cow_inventory_50: 59_237,
  uniswapx_direct_1: 120_089,
  uniswapx_direct_2: 97_994,
  uniswapx_direct_10: 80_343,
  uniswapx_direct_50: 79_819,
};

/** Nonces in a word of the bitmap that no user has touched, and then in the same word again. */
class Nonces {
  #word = 2n ** 31n;

  fresh(): NonceOf {
    this.#word += 1n;
    const nonce = this.#word << 8n;
    return () => nonce;
  }

  returning(): NonceOf {
    const nonce = (this.#word << 8n) + 1n;
    return () => nonce;
  }
}

async function measurePeers(market: Market): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const note = (name: string, gas: bigint, n: number): void =>
    void found.set(`${name}_${n}`, Number(gas) / n);
  const cow = await Cow.deploy(market);
  const uniswapx = await UniswapX.deploy(market);
  await cow.matched(matchedSwaps(market, 2));
  await uniswapx.direct(inventorySwaps(market, 1));
  for (const n of SIZES) {
    if (n > 1) note("cow_matched", await cow.matched(matchedSwaps(market, n)), n);
    note("cow_inventory", await cow.inventory(inventorySwaps(market, n)), n);
    note("uniswapx_direct", await uniswapx.direct(inventorySwaps(market, n)), n);
  }
  return found;
}

async function measureGavel(market: Market): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const note = (name: string, gas: bigint, n: number): void =>
    void found.set(`${name}_${n}`, Number(gas) / n);
  const gavel = await Gavel.deploy(market);
  const nonces = new Nonces();
  // the settler's lane and every solver's nonce word are in use already, as they mostly are
  await gavel.isolated(matchedSwaps(market, 10), nonces.fresh());
  for (const n of SIZES) {
    const [matched, inventory] = [matchedSwaps(market, n), inventorySwaps(market, n)];
    if (n > 1) {
      note("matched_fresh", await gavel.matched(matched, nonces.fresh()), n);
      note("matched_returning", await gavel.matched(matched, nonces.returning()), n);
    }
    note("inventory_fresh", await gavel.inventory(inventory, nonces.fresh()), n);
    note("inventory_returning", await gavel.inventory(inventory, nonces.returning()), n);
  }
  found.set(
    "isolated25_fresh_50",
    Number(await gavel.isolated(matchedSwaps(market, 50), nonces.fresh())) / 50,
  );
  return found;
}

/** The rows that have a goal: the peer's row, and the ratio to it that is to be reached. */
const GOALS: Record<string, [peer: string, ratio: number]> = {
  matched_fresh_50: ["cow_matched_50", 0.84],
  matched_returning_50: ["cow_matched_50", 0.56],
  inventory_fresh_50: ["cow_inventory_50", 0.9],
  inventory_returning_50: ["cow_inventory_50", 0.64],
  isolated25_fresh_50: ["cow_matched_50", 1.05],
  inventory_fresh_1: ["uniswapx_direct_1", 1.35],
  inventory_returning_1: ["uniswapx_direct_1", 1.2],
};

function rows(peers: Map<string, number>, gavel: Map<string, number>): Row[] {
  const own = [...gavel].map(([name, value]) => {
    const goal = GOALS[name];
    if (goal !== undefined) {
      const [peer, ratio] = goal;
      return {
        ...row(`gas_${name}`, value, peers.get(peer)),
        goal: ratio,
        note: `against ${peer}, goal ${ratio}`,
      };
    }
    const [way, , n] = name.split("_");
    return row(`gas_per_swap_${name}`, value, peers.get(`cow_${way}_${n}`));
  });
  const theirs = [...peers].map(([name, value]) => row(name, value, KNOWN[name]));
  return [...own, ...theirs];
}

/** A peer that costs something else than it is known to: then the method is not the same any more. */
function checkMethod(peers: Map<string, number>): void {
  for (const [name, known] of Object.entries(KNOWN)) {
    const value = peers.get(name) ?? 0;
    if (Math.abs(value / known - 1) > 0.01)
      throw new Error(`${name} takes ${Math.round(value)} gas, known are ${known}`);
  }
}

async function main(): Promise<void> {
  const args = new Args(process.argv.slice(2), ["out"], []);
  const anvil = await startAnvil();
  try {
    const chain = await Chain.connect(anvil.url);
    const market = await openMarket(chain);
    const peers = await measurePeers(market);
    checkMethod(peers);
    const gavel = await measureGavel(market);
    print(peers, gavel);
    printGoals(rows(peers, gavel));
    const out = args.get("out");
    if (out !== undefined) writeFileSync(out, `${JSON.stringify(rows(peers, gavel), null, 2)}\n`);
  } finally {
    await anvil.stop();
  }
}

await main();

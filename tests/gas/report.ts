// The table for people and the rows for machines.
export interface Row {
  name: string;
  value: number;
  unit: "gas/swap";
  reference: number;
  ratio: number;
  /** What the ratio is to be at most, where that is said. */
  goal?: number;
  note?: string;
}

export function row(name: string, value: number, reference: number | undefined): Row {
  const against = reference ?? value;
  return {
    name,
    value: Math.round(value),
    unit: "gas/swap",
    reference: Math.round(against),
    ratio: Number((value / against).toFixed(3)),
  };
}

const number = (value: number | undefined): string =>
  value === undefined ? "-" : Math.round(value).toLocaleString("en-US");

export function print(peers: Map<string, number>, gavel: Map<string, number>): void {
  const line = (cells: readonly string[]): void =>
    console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(10))).join(""));
  const sizes = [1, 2, 10, 50];
  line(["gas per swap, whole transactions", ...sizes.map((n) => `n=${n}`)]);
  const table = (title: string, values: Map<string, number>, name: string): void =>
    line([title, ...sizes.map((n) => number(values.get(`${name}_${n}`)))]);
  const ratio = (title: string, name: string, peer: string): void =>
    line([
      title,
      ...sizes.map((n) => {
        const [own, theirs] = [gavel.get(`${name}_${n}`), peers.get(`${peer}_${n}`)];
        return own === undefined || theirs === undefined ? "-" : (own / theirs).toFixed(3);
      }),
    ]);
  table("CoW, users matched", peers, "cow_matched");
  table("CoW, from inventory", peers, "cow_inventory");
  table("UniswapX, direct fill", peers, "uniswapx_direct");
  for (const nonces of ["fresh", "returning"]) {
    table(`Gavel, users matched, ${nonces}`, gavel, `matched_${nonces}`);
    ratio("  against CoW", `matched_${nonces}`, "cow_matched");
    table(`Gavel, from inventory, ${nonces}`, gavel, `inventory_${nonces}`);
    ratio("  against CoW", `inventory_${nonces}`, "cow_inventory");
    ratio("  against UniswapX", `inventory_${nonces}`, "uniswapx_direct");
  }
  line(["Gavel, 25 isolated bids of two", "", "", "", number(gavel.get("isolated25_fresh_50"))]);
}

/** How far the rows with a goal are from it. */
export function printGoals(rows: readonly Row[]): void {
  for (const { name, ratio, goal } of rows) {
    if (goal === undefined) continue;
    const verdict = ratio <= goal ? "reached" : "missed";
    console.log(`${name.padEnd(34)}${ratio.toFixed(3).padStart(10)}   goal ${goal.toFixed(2)}   ${verdict}`);
  }
}

// Two ways to fill intents: with each other, and from the filler's own balance.
import type { OpenIntent } from "./book.js";
import { type Leg, ZERO_WORD } from "./types.js";

const EXACT_IN = 0;
/** What the solver keeps of the reference price, in basis points. */
const SPREAD = 20n;
const BPS = 10_000n;

/** The amount between the one side's least and the other's most that every exact side agrees to. */
function agree(exact: bigint[], least: bigint, most: bigint): bigint | undefined {
  const amount = exact[0] ?? (least + most) / 2n;
  const fits = least <= amount && amount <= most && exact.every((value) => value === amount);
  return fits ? amount : undefined;
}

/** Legs that swap two opposite intents with each other, if their limits cross. */
export function matchTwo(a: OpenIntent, b: OpenIntent): Leg[] | undefined {
  const [x, y] = [a.intent, b.intent];
  if (x.sellToken !== y.buyToken || x.buyToken !== y.sellToken) return undefined;
  const exactToB = [
    ...(x.kind === EXACT_IN ? [x.sellAmount] : []),
    ...(y.kind === EXACT_IN ? [] : [y.buyAmount]),
  ];
  const exactToA = [
    ...(y.kind === EXACT_IN ? [y.sellAmount] : []),
    ...(x.kind === EXACT_IN ? [] : [x.buyAmount]),
  ];
  const toB = agree(exactToB.map(BigInt), BigInt(y.buyAmount), BigInt(x.sellAmount));
  const toA = agree(exactToA.map(BigInt), BigInt(x.buyAmount), BigInt(y.sellAmount));
  if (toA === undefined || toB === undefined) return undefined;
  return [
    { from: a.id, to: b.id, amount: toB.toString() },
    { from: b.id, to: a.id, amount: toA.toString() },
  ];
}

/** The first two intents that match; one that may only be filled alone matches nobody's. */
export function findMatch(all: readonly OpenIntent[]): Leg[] | undefined {
  const intents = all.filter(({ alone }) => alone !== true);
  for (const [n, a] of intents.entries()) {
    for (const b of intents.slice(n + 1)) {
      const legs = matchTwo(a, b);
      if (legs !== undefined) return legs;
    }
  }
  return undefined;
}

/** Legs that fill an intent from the filler at the reference price less the spread, if its limit allows. */
export function fillAlone(
  { id, intent }: OpenIntent,
  prices: ReadonlyMap<string, bigint>,
): Leg[] | undefined {
  const [sellPrice, buyPrice] = [prices.get(intent.sellToken), prices.get(intent.buyToken)];
  if (sellPrice === undefined || buyPrice === undefined || sellPrice === 0n || buyPrice === 0n)
    return undefined;
  const [sell, buy] = [BigInt(intent.sellAmount), BigInt(intent.buyAmount)];
  const exactIn = intent.kind === EXACT_IN;
  const pays = exactIn ? sell : (buy * buyPrice * BPS) / (sellPrice * (BPS - SPREAD)) + 1n;
  const gets = exactIn ? (sell * sellPrice * (BPS - SPREAD)) / (buyPrice * BPS) : buy;
  if (gets < buy || pays > sell || gets === 0n) return undefined;
  return [
    { from: id, to: ZERO_WORD, amount: pays.toString() },
    { from: ZERO_WORD, to: id, amount: gets.toString() },
  ];
}

import { strict as assert } from "node:assert";
import { test } from "node:test";
import type { OpenIntent } from "../lib/book.js";
import { fillAlone, findMatch, matchTwo } from "../lib/strategy.js";
import { type Intent, ZERO_ADDRESS, ZERO_WORD } from "../lib/types.js";

const [A, B] = ["0xaa", "0xbb"] as const;

function open(id: `0x${string}`, change: Partial<Intent>): OpenIntent {
  const intent: Intent = {
    owner: ZERO_ADDRESS,
    receiver: ZERO_ADDRESS,
    sellToken: A,
    buyToken: B,
    sellAmount: "100",
    buyAmount: "90",
    nonce: "0",
    validTo: 0,
    kind: 0,
    partiallyFillable: false,
    appData: ZERO_WORD,
    ...change,
  };
  return { id, intent, filled: "0" };
}
const amounts = (legs: { amount: string }[] | undefined): string[] | undefined =>
  legs?.map((leg) => leg.amount);
const back = { sellToken: B, buyToken: A } as const;

test("two exact-in intents that cross swap what they sell", () => {
  const legs = matchTwo(open("0x1", {}), open("0x2", { ...back, sellAmount: "95", buyAmount: "99" }));
  assert.deepEqual(legs, [
    { from: "0x1", to: "0x2", amount: "100" },
    { from: "0x2", to: "0x1", amount: "95" },
  ]);
});

test("intents whose limits do not cross are not matched", () => {
  assert.equal(matchTwo(open("0x1", {}), open("0x2", { ...back, sellAmount: "89" })), undefined);
  assert.equal(matchTwo(open("0x1", {}), open("0x2", { ...back, buyAmount: "101" })), undefined);
  assert.equal(matchTwo(open("0x1", {}), open("0x2", {})), undefined);
});

test("two exact-out intents swap what they buy", () => {
  const legs = matchTwo(
    open("0x1", { kind: 1 }),
    open("0x2", { ...back, kind: 1, sellAmount: "95", buyAmount: "99" }),
  );
  assert.deepEqual(amounts(legs), ["99", "90"]);
});

test("an exact-in and an exact-out intent meet in the middle when they name the same amount", () => {
  const legs = matchTwo(
    open("0x1", {}),
    open("0x2", { ...back, kind: 1, sellAmount: "100", buyAmount: "100" }),
  );
  assert.deepEqual(amounts(legs), ["100", "95"]);
  assert.equal(
    matchTwo(open("0x1", {}), open("0x2", { ...back, kind: 1, sellAmount: "100", buyAmount: "99" })),
    undefined,
  );
});

test("the first pair that matches is found wherever it stands", () => {
  const legs = findMatch([
    open("0x1", { buyAmount: "1000" }),
    open("0x2", {}),
    open("0x3", { ...back, sellAmount: "95" }),
  ]);
  assert.deepEqual(
    legs?.map((leg) => leg.from),
    ["0x2", "0x3"],
  );
});

test("an intent that may only be filled alone is matched with nobody's", () => {
  const struck = { ...open("0x1", {}), alone: true };
  assert.equal(findMatch([struck, open("0x2", { ...back, sellAmount: "95" })]), undefined);
});

test("the filler fills at the reference price less its spread, and never beyond the limit", () => {
  const prices = new Map([
    [A, 10n ** 18n],
    [B, 10n ** 18n],
  ]) as ReadonlyMap<string, bigint>;
  assert.deepEqual(amounts(fillAlone(open("0x1", { sellAmount: "10000", buyAmount: "9980" }), prices)), [
    "10000",
    "9980",
  ]);
  assert.equal(fillAlone(open("0x1", { sellAmount: "10000", buyAmount: "9981" }), prices), undefined);
  assert.deepEqual(
    amounts(fillAlone(open("0x1", { kind: 1, sellAmount: "10021", buyAmount: "10000" }), prices)),
    ["10021", "10000"],
  );
  assert.equal(
    fillAlone(open("0x1", { kind: 1, sellAmount: "10020", buyAmount: "10000" }), prices),
    undefined,
  );
});

test("a token without a reference price is left alone", () => {
  assert.equal(fillAlone(open("0x1", {}), new Map()), undefined);
});

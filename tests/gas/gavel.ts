// Gavel: a commit and a reveal, both counted.
import { type Address, type Hex, hashTypedData, keccak256, stringToHex } from "viem";
import { type SignedBid, type SignedIntent, packBatch } from "../clients/batch.js";
import { bidMessage } from "../clients/lib/sign.js";
import {
  type BidTerms,
  type Domain,
  type Intent,
  type Leg,
  ZERO_ADDRESS,
  ZERO_WORD,
  types,
} from "../clients/lib/types.js";
import { commitmentOf } from "../clients/vectors/commitment.js";
import { gavel as artifact } from "./artifacts.js";
import { CHAIN_ID, type Contract, account } from "./chain.js";
import { AMOUNT, LIMIT, type Market, type Swap, approve, hold, usersOf } from "./market.js";

const LANE = 7n;
const SOLVERS = 5;
const [BOND, GAS] = [0, 1];
const word = (name: string): Hex => keccak256(stringToHex(`gas: ${name}`));

interface Solver {
  account: ReturnType<typeof account>;
  filler: Address;
  bids: number;
}

export class Gavel {
  #batches = 0;

  private constructor(
    private readonly market: Market,
    private readonly settlement: Contract,
    private readonly settler: Address,
    private readonly solvers: Solver[],
  ) {}

  static async deploy(market: Market): Promise<Gavel> {
    const { chain, admin, a, b } = market;
    const settlement = await chain.deploy(admin, artifact("Settlement"), [admin, 20, 86_400, 10n ** 9n]);
    const settler = account("settler").address;
    await chain.fund(settler);
    await chain.send(admin, settlement, "openLane", [settler, LANE]);
    for (const token of [a, b]) await chain.send(admin, settlement, "setPlainToken", [token.address, true]);
    await approve(market, usersOf(market), settlement.address);
    const solvers: Solver[] = [];
    for (let n = 0; n < SOLVERS; n += 1) {
      const solver = account(`solver ${n}`);
      await chain.fund(solver.address);
      await chain.send(solver.address, settlement, "register", []);
      for (const fund of [BOND, GAS])
        await chain.send(solver.address, settlement, "deposit", [solver.address, fund], 10n ** 19n);
      const filler = await chain.deploy(solver.address, artifact("InventoryFiller"), [
        solver.address,
        settlement.address,
      ]);
      await chain.send(solver.address, filler, "bind", [solver.address]);
      for (const token of [a, b])
        await chain.send(solver.address, filler, "approve", [token.address, 2n ** 256n - 1n]);
      await hold(market, filler.address);
      solvers.push({ account: solver, filler: filler.address, bids: 0 });
    }
    return new Gavel(market, settlement, settler, solvers);
  }

  /** One bid; `nonceOf` numbers each user's intent. */
  matched = (swaps: Swap[], nonceOf: NonceOf): Promise<bigint> =>
    this.#settle([swaps], nonceOf, (ids) =>
      ids.map((id, n) => ({ from: id, to: ids[n ^ 1] ?? ZERO_WORD, amount: AMOUNT.toString() })),
    );

  inventory = (swaps: Swap[], nonceOf: NonceOf): Promise<bigint> =>
    this.#settle([swaps], nonceOf, (ids) =>
      ids.flatMap((id) => [
        { from: id, to: ZERO_WORD, amount: AMOUNT.toString() },
        { from: ZERO_WORD, to: id, amount: AMOUNT.toString() },
      ]),
    );

  /** Bids of two users each, every solver in turn. */
  isolated = (swaps: Swap[], nonceOf: NonceOf): Promise<bigint> => {
    const pairs = swaps.flatMap((swap, n) => (n % 2 === 0 ? [[swap, ...swaps.slice(n + 1, n + 2)]] : []));
    return this.#settle(pairs, nonceOf, ([x = ZERO_WORD, y = ZERO_WORD]) => [
      { from: x, to: y, amount: AMOUNT.toString() },
      { from: y, to: x, amount: AMOUNT.toString() },
    ]);
  };

  async #settle(groups: Swap[][], nonceOf: NonceOf, legsOf: (ids: Hex[]) => Leg[]): Promise<bigint> {
    const { chain } = this.market;
    const validTo = (await chain.now()) + 100_000;
    const intents: SignedIntent[] = [];
    const bids: SignedBid[] = [];
    for (const [n, swaps] of groups.entries()) {
      const signed = await Promise.all(swaps.map((swap) => this.#intent(swap, nonceOf(swap), validTo)));
      intents.push(...signed);
      bids.push(await this.#bid(n % this.solvers.length, legsOf(signed.map((intent) => intent.id)), validTo));
    }
    this.#batches += 1;
    const header = {
      auctionId: this.#batches,
      attempt: 1,
      openHash: word("open"),
      bidsRoot: word("root"),
      bidCount: bids.length,
    };
    const batch = packBatch(header, bids, intents);
    const salt = word(`salt ${this.#batches}`);
    const commitment = commitmentOf({
      ...header,
      chainId: CHAIN_ID,
      settlement: this.settlement.address,
      settler: this.settler,
      lane: LANE.toString(),
      batch,
      salt,
    });
    const commit = await chain.send(this.settler, this.settlement, "commitTo", [LANE, commitment]);
    const reveal = await chain.send(this.settler, this.settlement, "reveal", [batch, salt, LANE]);
    // Revealed, a BidSettled for each bid and a Transfer for each leg: one missing, and a bid has failed
    const wanted = bids.reduce((sum, bid) => sum + bid.legs.length + 1, 1);
    if (reveal.logs !== wanted) throw new Error(`a bid failed: ${reveal.logs} logs instead of ${wanted}`);
    return commit.gas + reveal.gas;
  }

  get #domain(): Domain {
    return { name: "Gavel", version: "1", chainId: CHAIN_ID, verifyingContract: this.settlement.address };
  }

  async #intent({ user, sell, buy }: Swap, nonce: bigint, validTo: number): Promise<SignedIntent> {
    const intent: Intent = {
      owner: user.address,
      receiver: ZERO_ADDRESS,
      sellToken: sell.address,
      buyToken: buy.address,
      sellAmount: AMOUNT.toString(),
      buyAmount: LIMIT.toString(),
      nonce: nonce.toString(),
      validTo,
      kind: 0,
      partiallyFillable: false,
      appData: ZERO_WORD,
    };
    const message = { ...intent, sellAmount: AMOUNT, buyAmount: LIMIT, nonce };
    const typed = {
      domain: this.#domain,
      types: { Intent: types.Intent },
      primaryType: "Intent",
      message,
    } as const;
    return { id: hashTypedData(typed), intent, signature: await user.signTypedData(typed) };
  }

  async #bid(by: number, legs: Leg[], validUntil: number): Promise<SignedBid> {
    const solver = this.solvers[by];
    if (solver === undefined) throw new Error(`no solver ${by}`);
    const number = (solver.bids += 1);
    const name = `${by} ${number}`;
    const bid: BidTerms = {
      auctionId: this.#batches + 1,
      solver: solver.account.address,
      filler: solver.filler,
      gas: 100_000 + 120_000 * legs.length,
      callbackGas: 0,
      penalty: (10n ** 15n).toString(),
      validUntil,
      nonce: String(number),
      salt: word(`bid salt ${name}`),
      clientBidId: word(`bid ${name}`),
    };
    const message = bidMessage(bid, legs, "0x");
    const typed = { domain: this.#domain, types: { Bid: types.Bid }, primaryType: "Bid", message } as never;
    const touched = new Set(legs.flatMap((leg) => [leg.from, leg.to]).filter((id) => id !== ZERO_WORD));
    const shares = [...touched].map(() => Math.floor(9_999 / touched.size));
    return { bid, shares, legs, callback: "0x", signature: await solver.account.signTypedData(typed) };
  }
}

export type NonceOf = (swap: Swap) => bigint;

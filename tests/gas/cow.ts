// CoW's GPv2Settlement from its npm package: settle() in one transaction.
import { type Address, type Hex, encodeFunctionData, zeroAddress } from "viem";
import { cow as artifact } from "./artifacts.js";
import { CHAIN_ID, type Chain, type Contract, account } from "./chain.js";
import { AMOUNT, LIMIT, type Market, type Swap, approve, hold, usersOf } from "./market.js";

const ORDER = [
  { name: "sellToken", type: "address" },
  { name: "buyToken", type: "address" },
  { name: "receiver", type: "address" },
  { name: "sellAmount", type: "uint256" },
  { name: "buyAmount", type: "uint256" },
  { name: "validTo", type: "uint32" },
  { name: "appData", type: "bytes32" },
  { name: "feeAmount", type: "uint256" },
  { name: "kind", type: "string" },
  { name: "partiallyFillable", type: "bool" },
  { name: "sellTokenBalance", type: "string" },
  { name: "buyTokenBalance", type: "string" },
] as const;

const APP_DATA: Hex = `0x${"00".repeat(32)}`;

export class Cow {
  #round = 0;

  private constructor(
    private readonly market: Market,
    private readonly settlement: Contract,
    private readonly solver: Address,
  ) {}

  static async deploy(market: Market): Promise<Cow> {
    const { chain, admin } = market;
    const allowList = await chain.deploy(admin, artifact("GPv2AllowListAuthentication"));
    const settlement = await chain.deploy(admin, artifact("GPv2Settlement"), [
      allowList.address,
      zeroAddress,
    ]);
    await chain.send(admin, allowList, "initializeManager", [admin]);
    const solver = account("cow solver").address;
    await chain.send(admin, allowList, "addSolver", [solver]);
    await approve(market, usersOf(market), await chain.read<Address>(settlement, "vaultRelayer"));
    await hold(market, solver);
    await approve(market, [solver], settlement.address);
    // like the real one it holds a buffer of every token
    await hold(market, settlement.address);
    return new Cow(market, settlement, solver);
  }

  matched = (swaps: Swap[]): Promise<bigint> => this.#settle(swaps, []);

  /** The solver pays all that is bought from its own account, and takes all that is sold. */
  async inventory(swaps: Swap[]): Promise<bigint> {
    const { a, b } = this.market;
    const total = AMOUNT * BigInt(swaps.length);
    const call = (token: Contract, functionName: string, args: unknown[]) => ({
      target: token.address,
      value: 0n,
      callData: encodeFunctionData({ abi: token.abi, functionName, args }),
    });
    return this.#settle(swaps, [
      call(b, "transferFrom", [this.solver, this.settlement.address, total]),
      call(a, "transfer", [this.solver, total]),
    ]);
  }

  async #settle(swaps: Swap[], interactions: unknown[]): Promise<bigint> {
    const { chain, a, b } = this.market;
    const tokens = [a.address, b.address];
    // validTo differs per round, so that each order's replay slot is fresh
    const validTo = (await chain.now()) + 100_000 + (this.#round += 1);
    const trades = await Promise.all(swaps.map((swap) => this.#trade(swap, tokens, validTo)));
    const { gas } = await this.#send(chain, [tokens, [1n, 1n], trades, [[], interactions, []]]);
    return gas;
  }

  #send(chain: Chain, args: unknown[]) {
    return chain.send(this.solver, this.settlement, "settle", args);
  }

  async #trade({ user, sell, buy }: Swap, tokens: Address[], validTo: number) {
    const message = {
      sellToken: sell.address,
      buyToken: buy.address,
      receiver: user.address,
      sellAmount: AMOUNT,
      buyAmount: LIMIT,
      validTo,
      appData: APP_DATA,
      feeAmount: 0n,
      kind: "sell",
      partiallyFillable: false,
      sellTokenBalance: "erc20",
      buyTokenBalance: "erc20",
    };
    const domain = {
      name: "Gnosis Protocol",
      version: "v2",
      chainId: CHAIN_ID,
      verifyingContract: this.settlement.address,
    };
    const signature = await user.signTypedData({
      domain,
      types: { Order: ORDER },
      primaryType: "Order",
      message,
    });
    return {
      ...message,
      sellTokenIndex: BigInt(tokens.indexOf(sell.address)),
      buyTokenIndex: BigInt(tokens.indexOf(buy.address)),
      flags: 0n,
      executedAmount: 0n,
      signature,
    };
  }
}

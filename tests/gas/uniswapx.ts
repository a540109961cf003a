// UniswapX's ExclusiveDutchOrderReactor and Permit2 from Uniswap's npm package: orders filled directly by the caller.
import { type Address, type Hex, encodeAbiParameters, parseAbiParameters, zeroAddress } from "viem";
import { uniswap as artifact } from "./artifacts.js";
import { CHAIN_ID, type Contract, account } from "./chain.js";
import { AMOUNT, LIMIT, type Market, type Swap, approve, hold, usersOf } from "./market.js";

const ENCODED = parseAbiParameters([
  "ExclusiveDutchOrder order",
  "struct OrderInfo { address reactor; address swapper; uint256 nonce; uint256 deadline; address additionalValidationContract; bytes additionalValidationData; }",
  "struct DutchInput { address token; uint256 startAmount; uint256 endAmount; }",
  "struct DutchOutput { address token; uint256 startAmount; uint256 endAmount; address recipient; }",
  "struct ExclusiveDutchOrder { OrderInfo info; uint256 decayStartTime; uint256 decayEndTime; address exclusiveFiller; uint256 exclusivityOverrideBps; DutchInput input; DutchOutput[] outputs; }",
]);

const field = (type: string, name: string) => ({ name, type });
const TYPES = {
  PermitWitnessTransferFrom: [
    field("TokenPermissions", "permitted"),
    field("address", "spender"),
    field("uint256", "nonce"),
    field("uint256", "deadline"),
    field("ExclusiveDutchOrder", "witness"),
  ],
  TokenPermissions: [field("address", "token"), field("uint256", "amount")],
  ExclusiveDutchOrder: [
    field("OrderInfo", "info"),
    field("uint256", "decayStartTime"),
    field("uint256", "decayEndTime"),
    field("address", "exclusiveFiller"),
    field("uint256", "exclusivityOverrideBps"),
    field("address", "inputToken"),
    field("uint256", "inputStartAmount"),
    field("uint256", "inputEndAmount"),
    field("DutchOutput[]", "outputs"),
  ],
  OrderInfo: [
    field("address", "reactor"),
    field("address", "swapper"),
    field("uint256", "nonce"),
    field("uint256", "deadline"),
    field("address", "additionalValidationContract"),
    field("bytes", "additionalValidationData"),
  ],
  DutchOutput: [
    field("address", "token"),
    field("uint256", "startAmount"),
    field("uint256", "endAmount"),
    field("address", "recipient"),
  ],
};

export class UniswapX {
  #round = 0n;

  private constructor(
    private readonly market: Market,
    private readonly permit2: Contract,
    private readonly reactor: Contract,
    private readonly filler: Address,
  ) {}

  static async deploy(market: Market): Promise<UniswapX> {
    const { chain, admin } = market;
    const permit2 = await chain.deploy(admin, artifact("Permit2"));
    const reactor = await chain.deploy(admin, artifact("ExclusiveDutchOrderReactor"), [
      permit2.address,
      admin,
    ]);
    const filler = account("uniswapx filler").address;
    await approve(market, usersOf(market), permit2.address);
    await hold(market, filler);
    await approve(market, [filler], reactor.address);
    return new UniswapX(market, permit2, reactor, filler);
  }

  async direct(swaps: Swap[]): Promise<bigint> {
    const { chain } = this.market;
    const deadline = BigInt(await chain.now()) + 100_000n;
    // a word of the nonce bitmap of its own each round
    this.#round += 1n;
    const orders = await Promise.all(swaps.map((swap) => this.#order(swap, this.#round << 8n, deadline)));
    const call = orders.length === 1 ? (["execute", orders] as const) : (["executeBatch", [orders]] as const);
    return (await chain.send(this.filler, this.reactor, call[0], call[1])).gas;
  }

  async #order(
    { user, sell, buy }: Swap,
    nonce: bigint,
    deadline: bigint,
  ): Promise<{ order: Hex; sig: Hex }> {
    const info = {
      reactor: this.reactor.address,
      swapper: user.address,
      nonce,
      deadline,
      additionalValidationContract: zeroAddress,
      additionalValidationData: "0x" as Hex,
    };
    const timing = {
      decayStartTime: deadline - 100n,
      decayEndTime: deadline,
      exclusiveFiller: zeroAddress,
      exclusivityOverrideBps: 0n,
    } as const;
    const outputs = [{ token: buy.address, startAmount: AMOUNT, endAmount: LIMIT, recipient: user.address }];
    const input = { token: sell.address, startAmount: AMOUNT, endAmount: AMOUNT };
    const witness = {
      info,
      ...timing,
      inputToken: sell.address,
      inputStartAmount: AMOUNT,
      inputEndAmount: AMOUNT,
      outputs,
    };
    const sig = await user.signTypedData({
      domain: { name: "Permit2", chainId: CHAIN_ID, verifyingContract: this.permit2.address },
      types: TYPES,
      primaryType: "PermitWitnessTransferFrom",
      message: {
        permitted: { token: sell.address, amount: AMOUNT },
        spender: this.reactor.address,
        nonce,
        deadline,
        witness,
      },
    });
    return { order: encodeAbiParameters(ENCODED, [{ info, ...timing, input, outputs }]), sig };
  }
}

// Deploys contracts and sends transactions whose gas is counted whole: 21,000, calldata and refunds included.
import {
  type Abi,
  type Address,
  type Hex,
  createTestClient,
  encodeDeployData,
  encodeFunctionData,
  http,
  keccak256,
  numberToHex,
  publicActions,
  stringToHex,
} from "viem";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

export interface Artifact {
  abi: Abi;
  bytecode: Hex;
}

export interface Contract {
  address: Address;
  abi: Abi;
}

export const CHAIN_ID = foundry.id;
const GAS_LIMIT = numberToHex(29_000_000);

/** A reproducible account, distinct by name. */
export const account = (name: string): PrivateKeyAccount =>
  privateKeyToAccount(keccak256(stringToHex(`gas: ${name}`)));

export class Chain {
  readonly client;

  private constructor(url: string) {
    this.client = createTestClient({ mode: "anvil", chain: foundry, transport: http(url) }).extend(
      publicActions,
    );
  }

  /** Every account may send, without a signature: it costs the same. */
  static async connect(url: string): Promise<Chain> {
    const chain = new Chain(url);
    await chain.client.request({ method: "anvil_autoImpersonateAccount", params: [true] } as never);
    return chain;
  }

  async fund(address: Address): Promise<void> {
    await this.client.setBalance({ address, value: 10n ** 24n });
  }

  async deploy(from: Address, { abi, bytecode }: Artifact, args: readonly unknown[] = []): Promise<Contract> {
    const data = encodeDeployData({ abi, bytecode, args });
    const receipt = await this.#mine({ from, data });
    if (!receipt.contractAddress) throw new Error("a contract was not deployed");
    return { address: receipt.contractAddress, abi };
  }

  /** The gas the transaction used; a transaction that reverts is an error. */
  async send(
    from: Address,
    to: Contract,
    functionName: string,
    args: readonly unknown[],
    value = 0n,
  ): Promise<{ gas: bigint; logs: number }> {
    const data = encodeFunctionData({ abi: to.abi, functionName, args });
    const receipt = await this.#mine({ from, to: to.address, data, value: numberToHex(value) });
    return { gas: receipt.gasUsed, logs: receipt.logs.length };
  }

  async read<T>(from: Contract, functionName: string, args: readonly unknown[] = []): Promise<T> {
    return (await this.client.readContract({
      address: from.address,
      abi: from.abi,
      functionName,
      args,
    })) as T;
  }

  async now(): Promise<number> {
    return Number((await this.client.getBlock()).timestamp);
  }

  async #mine(transaction: { from: Address; to?: Address; data: Hex; value?: Hex }) {
    const hash = (await this.client.request({
      method: "eth_sendTransaction",
      params: [{ ...transaction, gas: GAS_LIMIT }],
    } as never)) as Hex;
    const receipt = await this.#receipt(hash);
    if (receipt.status === "success") return receipt;
    const reason = await this.client
      .request({ method: "eth_call", params: [{ ...transaction, gas: GAS_LIMIT }, "latest"] } as never)
      .catch((error: Error) => error.message);
    throw new Error(`a transaction reverted: ${String(reason).slice(0, 400)}`);
  }

  async #receipt(hash: Hex) {
    for (const end = Date.now() + 20_000; Date.now() < end;) {
      const receipt = await this.client.getTransactionReceipt({ hash }).catch(() => undefined);
      if (receipt !== undefined) return receipt;
      await new Promise((resume) => setTimeout(resume, 2));
    }
    throw new Error(`transaction ${hash} was not mined`);
  }
}

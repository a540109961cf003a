// The toolkit by ethers.
import {
  Contract,
  JsonRpcProvider,
  Interface,
  TypedDataEncoder,
  Wallet,
  type TransactionResponse,
} from "ethers";
import type { Address, Hex } from "viem";
import { ABI, type Log, type Toolkit, fillOf } from "./toolkit.js";

const face = new Interface(ABI);

/** What the ABI returns, by name: ethers types every contract call as `any`. */
interface Calls {
  balanceOf(owner: string, at?: { blockTag: bigint }): Promise<bigint>;
  allowance(owner: string, spender: string): Promise<bigint>;
  approve(spender: string, amount: bigint): Promise<TransactionResponse>;
  nonces(owner: string, word: bigint): Promise<bigint>;
}

export function ethersToolkit(privateKey: Hex, rpc: string): Toolkit {
  const provider = new JsonRpcProvider(rpc, undefined, {
    polling: true,
    pollingInterval: 200,
    cacheTimeout: -1,
  });
  const wallet = new Wallet(privateKey, provider);
  const owner = wallet.address as Address;
  const at = (address: Address): Calls => new Contract(address, face, wallet) as unknown as Calls;
  return {
    name: "ethers",
    address: owner,
    sign: async ({ domain, types, message }) => (await wallet.signTypedData(domain, types, message)) as Hex,
    hash: ({ domain, types, message }) => TypedDataEncoder.hash(domain, types, message) as Hex,
    chainId: async () => Number((await provider.getNetwork()).chainId),
    balance: (token, of, blockTag) =>
      blockTag === undefined ? at(token).balanceOf(of) : at(token).balanceOf(of, { blockTag }),
    allowance: (token, spender) => at(token).allowance(owner, spender),
    approve: async (token, spender) => {
      const sent = await at(token).approve(spender, 2n ** 256n - 1n);
      const receipt = await sent.wait();
      if (receipt?.status !== 1) throw new Error(`the approval ${sent.hash} failed`);
    },
    nonceWord: (settlement, word) => at(settlement).nonces(owner, word),
    receipt: async (tx) => {
      const found = await provider.getTransactionReceipt(tx);
      if (found === null) throw new Error(`the chain does not know transaction ${tx}`);
      const { status, to, blockNumber, blockHash } = found;
      const logs = found.logs.map((log) => ({
        address: log.address as Address,
        topics: [...log.topics] as Hex[],
        data: log.data as Hex,
      }));
      return {
        status: status === 1,
        to: to as Address | null,
        blockNumber: BigInt(blockNumber),
        blockHash: blockHash as Hex,
        logs,
      };
    },
    fillsOf: (log: Log) => {
      const found = face.parseLog(log);
      if (found === null || found.name !== "BidSettled") return [];
      const fills = found.args["fills"] as [Hex, bigint][];
      return fills.map(([intent, amounts]) => fillOf(intent, amounts));
    },
  };
}

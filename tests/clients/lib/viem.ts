// The toolkit by viem.
import {
  type Address,
  type Hex,
  type TypedDataDefinition,
  createPublicClient,
  createWalletClient,
  decodeEventLog,
  hashTypedData,
  http,
  parseAbi,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { ABI, type Log, type Toolkit, type Typed, fillOf } from "./toolkit.js";

const abi = parseAbi(ABI);

export function viemToolkit(privateKey: Hex, rpc: string): Toolkit {
  const account = privateKeyToAccount(privateKey);
  const transport = http(rpc);
  const chain = createPublicClient({ transport, pollingInterval: 200 });
  const wallet = createWalletClient({ transport, account });
  const definition = (typed: Typed): TypedDataDefinition => typed as unknown as TypedDataDefinition;
  const owner = account.address;
  return {
    name: "viem",
    address: owner,
    sign: (typed) => account.signTypedData(definition(typed)),
    hash: (typed) => hashTypedData(definition(typed)),
    chainId: () => chain.getChainId(),
    balance: (address, of, blockNumber) => {
      const at = blockNumber === undefined ? {} : { blockNumber };
      return chain.readContract({ address, abi, functionName: "balanceOf", args: [of], ...at });
    },
    allowance: (address, spender) =>
      chain.readContract({ address, abi, functionName: "allowance", args: [owner, spender] }),
    approve: async (address: Address, spender: Address) => {
      const call = { address, abi, functionName: "approve", args: [spender, 2n ** 256n - 1n] } as const;
      const hash = await wallet.writeContract({ ...call, chain: null });
      const { status } = await chain.waitForTransactionReceipt({ hash });
      if (status !== "success") throw new Error(`the approval ${hash} failed`);
    },
    nonceWord: (address, word) =>
      chain.readContract({ address, abi, functionName: "nonces", args: [owner, word] }),
    receipt: async (hash) => {
      const { status, to, blockNumber, blockHash, logs } = await chain.getTransactionReceipt({ hash });
      return { status: status === "success", to, blockNumber, blockHash, logs };
    },
    fillsOf: (log: Log) => {
      try {
        const topics = log.topics as [Hex, ...Hex[]];
        const { fills } = decodeEventLog({ abi, eventName: "BidSettled", data: log.data, topics }).args;
        return fills.map(({ intent, amounts }) => fillOf(intent, amounts));
      } catch {
        return [];
      }
    },
  };
}

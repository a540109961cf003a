// What a wallet library must be able to do. wallet.ts does it with viem, wallet-ethers.ts with ethers.
import type { Address, Hex } from "viem";
import type { Chain, TypedField } from "./api.js";

export interface Typed {
  domain: { name: string; version: string; chainId: number; verifyingContract: Address };
  types: Record<string, TypedField[]>;
  primaryType: string;
  message: Record<string, unknown>;
}

/** A message with the domain and the types that `/v1/chain` tells. */
export function typedOf(chain: Chain, primaryType: string, message: Record<string, unknown>): Typed {
  const fields = chain.eip712.types[primaryType];
  if (fields === undefined) throw new Error(`/v1/chain does not tell the type ${primaryType}`);
  return { domain: chain.eip712.domain, types: { [primaryType]: fields }, primaryType, message };
}

export interface Log {
  address: Address;
  topics: Hex[];
  data: Hex;
}

export interface Receipt {
  status: boolean;
  to: Address | null;
  blockNumber: bigint;
  blockHash: Hex;
  logs: Log[];
}

export interface FillLog {
  intent: Hex;
  sold: bigint;
  bought: bigint;
}

export interface Toolkit {
  readonly name: string;
  readonly address: Address;
  sign(typed: Typed): Promise<Hex>;
  hash(typed: Typed): Hex;
  chainId(): Promise<number>;
  balance(token: Address, owner: Address, block?: bigint): Promise<bigint>;
  allowance(token: Address, spender: Address): Promise<bigint>;
  /** Sends the transaction and waits for it. */
  approve(token: Address, spender: Address): Promise<void>;
  nonceWord(settlement: Address, word: bigint): Promise<bigint>;
  receipt(tx: Hex): Promise<Receipt>;
  /** The fills that the log tells of: some if it is a `BidSettled`. */
  fillsOf(log: Log): readonly FillLog[];
}

export const ABI = [
  "function balanceOf(address owner) view returns (uint256)",
  "function allowance(address owner, address spender) view returns (uint256)",
  "function approve(address spender, uint256 amount) returns (bool)",
  "function nonces(address owner, uint256 word) view returns (uint256)",
  "event BidSettled(bytes32 indexed bid, address indexed solver, uint256 charge, (bytes32 intent, uint256 amounts)[] fills)",
] as const;

/** A fill as it is logged: what was sold in the upper 128 bits, what was bought in the lower. */
export const fillOf = (intent: Hex, amounts: bigint): FillLog => ({
  intent,
  sold: amounts >> 128n,
  bought: amounts & (2n ** 128n - 1n),
});

// What is signed, as settlement/contracts/FORMAT.md lays it down. The wallets do not use this file:
// they read the types from the API.
import type { Address, Hex } from "viem";

export const intentType = [
  { name: "owner", type: "address" },
  { name: "receiver", type: "address" },
  { name: "sellToken", type: "address" },
  { name: "buyToken", type: "address" },
  { name: "sellAmount", type: "uint256" },
  { name: "buyAmount", type: "uint256" },
  { name: "nonce", type: "uint256" },
  { name: "validTo", type: "uint32" },
  { name: "kind", type: "uint8" },
  { name: "partiallyFillable", type: "bool" },
  { name: "appData", type: "bytes32" },
] as const;

export const bidType = [
  { name: "auctionId", type: "uint64" },
  { name: "solver", type: "address" },
  { name: "filler", type: "address" },
  { name: "legsHash", type: "bytes32" },
  { name: "callbackHash", type: "bytes32" },
  { name: "gas", type: "uint32" },
  { name: "callbackGas", type: "uint32" },
  { name: "penalty", type: "uint128" },
  { name: "validUntil", type: "uint32" },
  { name: "nonce", type: "uint256" },
  { name: "salt", type: "bytes32" },
  { name: "clientBidId", type: "bytes32" },
] as const;

export const cancelType = [
  { name: "owner", type: "address" },
  { name: "intents", type: "bytes32[]" },
] as const;

export const receiptType = [
  { name: "openHash", type: "bytes32" },
  { name: "bid", type: "bytes32" },
  { name: "ms", type: "uint64" },
  { name: "seq", type: "uint64" },
] as const;

export const types = { Intent: intentType, Bid: bidType, Cancel: cancelType, Receipt: receiptType } as const;
export type Primary = keyof typeof types;

export interface Domain {
  name: string;
  version: string;
  chainId: number;
  verifyingContract: Address;
}

/** An intent's EIP-712 message; amounts and the nonce are decimal strings, as on the wire. */
export interface Intent {
  owner: Address;
  receiver: Address;
  sellToken: Address;
  buyToken: Address;
  sellAmount: string;
  buyAmount: string;
  nonce: string;
  validTo: number;
  kind: 0 | 1;
  partiallyFillable: boolean;
  appData: Hex;
}

/** A bid's scalar fields, as on the wire. */
export interface BidTerms {
  auctionId: number;
  solver: Address;
  filler: Address;
  gas: number;
  callbackGas: number;
  penalty: string;
  validUntil: number;
  nonce: string;
  salt: Hex;
  clientBidId: Hex;
}

/** A transfer between two intents, or an intent and the filler (zero). */
export interface Leg {
  from: Hex;
  to: Hex;
  amount: string;
}

export interface Receipt {
  openHash: Hex;
  bid: Hex;
  ms: number;
  seq: number;
}

export const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";
export const ZERO_WORD = "0x0000000000000000000000000000000000000000000000000000000000000000";

// Reproducible words, addresses and keys: nobody's outside these vectors.
import { type Address, type Hex, getAddress, keccak256, stringToHex } from "viem";
import type { Domain } from "../lib/types.js";

export const word = (name: string): Hex => keccak256(stringToHex(`gavel vectors: ${name}`));
export const address = (name: string): Address => getAddress(`0x${word(name).slice(26)}`);
export const key = (name: string): Hex => word(`key of ${name}`);

export const domain: Domain = {
  name: "Gavel",
  version: "1",
  chainId: 31337,
  verifyingContract: address("settlement"),
};

export const MAX_UINT256 = (2n ** 256n - 1n).toString();
/** The most that one fill moves. */
export const MAX_FILL = (2n ** 128n - 1n).toString();
export const MAX_UINT32 = 2 ** 32 - 1;

// Digests and signatures, each made by viem and by ethers; they must agree to the byte.
import { strict as assert } from "node:assert";
import { TypedDataEncoder, Wallet, concat as concatBytes, keccak256 as ethersKeccak, toBeHex } from "ethers";
import {
  type Hex,
  type TypedDataDefinition,
  concat,
  hashTypedData,
  keccak256,
  numberToHex,
  recoverAddress,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { type BidTerms, type Domain, type Leg, type Primary, types } from "./types.js";

export type Message = Record<string, unknown>;

export interface Signed {
  digest: Hex;
  privateKey: Hex;
  signature: Hex;
}

/** The digest by both libraries. Fails if they differ. */
export function hashBoth(domain: Domain, primaryType: Primary, message: Message): Hex {
  const digest = hashTypedData(viemForm(domain, primaryType, message));
  assert.equal(
    digest,
    TypedDataEncoder.hash(domain, fieldsOf(primaryType), message),
    `viem and ethers hash ${primaryType} alike`,
  );
  return digest;
}

/** Makes digest and signature with both libraries. Fails if they differ. */
export async function signBoth(
  domain: Domain,
  primaryType: Primary,
  message: Message,
  privateKey: Hex,
): Promise<Signed> {
  const digest = hashBoth(domain, primaryType, message);
  const signature = await privateKeyToAccount(privateKey).signTypedData(
    viemForm(domain, primaryType, message),
  );
  const wallet = new Wallet(privateKey);
  const other = await wallet.signTypedData(domain, fieldsOf(primaryType), message);
  assert.equal(signature, other, `viem and ethers sign ${primaryType} alike`);
  assert.equal(
    await recoverAddress({ hash: digest, signature }),
    wallet.address,
    "the signature recovers to its key",
  );
  return { digest, privateKey, signature };
}

const fieldsOf = (primaryType: Primary) => ({
  [primaryType]: types[primaryType].map((field) => ({ ...field })),
});
const viemForm = (domain: Domain, primaryType: Primary, message: Message): TypedDataDefinition =>
  ({
    domain,
    types: { [primaryType]: types[primaryType] },
    primaryType,
    message,
  }) as unknown as TypedDataDefinition;

/** keccak256 over `from ‖ to ‖ amount`, 32 bytes each. */
export function legsHash(legs: readonly Leg[]): Hex {
  const hash = keccak256(
    concat(legs.flatMap((leg) => [leg.from, leg.to, numberToHex(BigInt(leg.amount), { size: 32 })])),
  );
  const other = ethersKeccak(
    concatBytes(legs.flatMap((leg) => [leg.from, leg.to, toBeHex(BigInt(leg.amount), 32)])),
  );
  assert.equal(hash, other, "viem and ethers hash the legs alike");
  return hash;
}

/** The bid's EIP-712 message. */
export function bidMessage(bid: BidTerms, legs: readonly Leg[], callback: Hex): Message {
  return { ...bid, legsHash: legsHash(legs), callbackHash: keccak256(callback) };
}

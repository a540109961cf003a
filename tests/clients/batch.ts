// Packs a batch as settlement/contracts/FORMAT.md lays it out; the twin of domain's `batch::encode`.
import {
  type Hex,
  concatHex,
  numberToHex,
  parseCompactSignature,
  parseSignature,
  serializeCompactSignature,
  signatureToCompactSignature,
  size,
} from "viem";
import { type BidTerms, type Intent, type Leg, ZERO_ADDRESS, ZERO_WORD } from "./lib/types.js";

export interface BatchHeader {
  auctionId: number;
  attempt: number;
  openHash: Hex;
  bidsRoot: Hex;
  bidCount: number;
}

/** `contract` says that the signature is for the owner's own `isValidSignature`. */
export interface SignedIntent {
  id: Hex;
  intent: Intent;
  signature: Hex;
  contract?: boolean;
}

/** `shares`: of the penalty, in basis points, for each intent in the order in which they are packed: none if there
 * is no penalty. */
export interface SignedBid {
  bid: BidTerms;
  shares?: readonly number[];
  legs: readonly Leg[];
  callback: Hex;
  signature: Hex;
}

const FILLER = 255;
const byte = (n: number): Hex => numberToHex(n, { size: 1 });
const fixed = (n: number | bigint | string, bytes: number): Hex => numberToHex(BigInt(n), { size: bytes });

/** One length byte, then the value without leading zeros. */
function uint(value: string): Hex {
  const n = BigInt(value);
  if (n === 0n) return "0x00";
  const bytes = Math.ceil(n.toString(16).length / 2);
  return concatHex([byte(bytes), fixed(n, bytes)]);
}

/** EIP-2098: 64 bytes, the parity in the top bit of s. */
function compact(signature: Hex): Hex {
  if (size(signature) === 64) return serializeCompactSignature(parseCompactSignature(signature));
  return serializeCompactSignature(signatureToCompactSignature(parseSignature(signature)));
}

const ascending = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function packIntent(
  { intent, signature, contract = false }: SignedIntent,
  tokens: readonly string[],
  share: Hex,
): Hex {
  const hasReceiver = BigInt(intent.receiver) !== BigInt(ZERO_ADDRESS);
  const hasAppData = intent.appData !== ZERO_WORD;
  const flags =
    intent.kind |
    (Number(intent.partiallyFillable) << 1) |
    (Number(hasReceiver) << 2) |
    (Number(hasAppData) << 3) |
    (Number(contract) << 4);
  return concatHex([
    byte(flags),
    intent.owner,
    byte(tokens.indexOf(intent.sellToken.toLowerCase())),
    byte(tokens.indexOf(intent.buyToken.toLowerCase())),
    hasReceiver ? intent.receiver : "0x",
    uint(intent.sellAmount),
    uint(intent.buyAmount),
    uint(intent.nonce),
    fixed(intent.validTo, 4),
    hasAppData ? intent.appData : "0x",
    share,
    contract ? concatHex([fixed(size(signature), 2), signature]) : compact(signature),
  ]);
}

function packBid(
  { bid, shares = [], legs, callback, signature }: SignedBid,
  book: ReadonlyMap<Hex, SignedIntent>,
): Hex {
  const ids = [...new Set(legs.flatMap((leg) => [leg.from, leg.to]))]
    .filter((id) => id !== ZERO_WORD)
    .sort(ascending);
  const intents = ids.map((id) => {
    const intent = book.get(id);
    if (intent === undefined) throw new Error(`intent ${id} is not at hand`);
    return intent;
  });
  const tokens = [
    ...new Set(
      intents.flatMap(({ intent }) => [intent.sellToken.toLowerCase(), intent.buyToken.toLowerCase()]),
    ),
  ].sort(ascending) as Hex[];
  const penalised = BigInt(bid.penalty) !== 0n;
  if (shares.length !== (penalised ? intents.length : 0)) throw new Error("not one share for each intent");
  const share = (n: number): Hex => (penalised ? fixed(shares[n] ?? 0, 2) : "0x");
  const end = (id: Hex): Hex => byte(id === ZERO_WORD ? FILLER : ids.indexOf(id));
  return concatHex([
    bid.solver,
    bid.filler,
    fixed(bid.gas, 4),
    fixed(bid.callbackGas, 4),
    fixed(bid.penalty, 16),
    fixed(bid.validUntil, 4),
    uint(bid.nonce),
    bid.salt,
    bid.clientBidId,
    compact(signature),
    byte(tokens.length),
    ...tokens,
    byte(ids.length),
    ...intents.map((intent, n) => packIntent(intent, tokens, share(n))),
    fixed(legs.length, 2),
    ...legs.flatMap((leg) => [end(leg.from), end(leg.to), uint(leg.amount)]),
    fixed(size(callback), 3),
    callback,
  ]);
}

/** The batch's bytes; `intents` holds at least every intent the bids touch. */
export function packBatch(
  header: BatchHeader,
  bids: readonly SignedBid[],
  intents: readonly SignedIntent[],
): Hex {
  const book = new Map(intents.map((intent) => [intent.id, intent]));
  const packed = concatHex([
    byte(1),
    fixed(header.auctionId, 8),
    byte(header.attempt),
    header.openHash,
    header.bidsRoot,
    fixed(header.bidCount, 4),
    byte(bids.length),
    ...bids.map((bid) => packBid(bid, book)),
  ]);
  return packed.toLowerCase() as Hex;
}

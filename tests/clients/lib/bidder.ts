// Signs bids, and holds the operator to its receipts.
import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import {
  type Address,
  type Hex,
  bytesToHex,
  hashTypedData,
  isAddressEqual,
  recoverTypedDataAddress,
} from "viem";
import type { PrivateKeyAccount } from "viem/accounts";
import type { AuctionView, Chain, PublishedBid } from "./api.js";
import type { Auction } from "./book.js";
import { bidMessage } from "./sign.js";
import { typedOf } from "./toolkit.js";
import type { BidTerms, Leg } from "./types.js";
import { leafHash, verifyProof } from "../vectors/merkle.js";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";

export interface ReceiptView {
  auction_id: number;
  open_hash: Hex;
  bid: Hex;
  ms: number;
  seq: number;
  signature: Hex;
}

export interface Submission {
  id: Hex;
  bid: BidTerms;
  legs: Leg[];
  callback: Hex;
  signature: Hex;
}

export interface Sold {
  token: Hex;
  amount: bigint;
}

const WEI = 10n ** 18n;
const up = (n: bigint, by: bigint): bigint => (n + by - 1n) / by;

/** What a bid must owe if it fails by its solver's fault, in wei: the floor, or the share of what is sold. */
export function leastPenalty({ prices, params }: Auction, sold: readonly Sold[]): bigint {
  const price = (token: Hex): bigint | undefined => {
    const found = prices.find((entry) => entry.token.toLowerCase() === token.toLowerCase());
    return found === undefined ? undefined : BigInt(found.price);
  };
  const floor = BigInt(params.penalty_floor);
  const native = BigInt(params.native_token) === 0n ? WEI : price(params.native_token);
  if (native === undefined || native === 0n) return floor;
  const value = sold.reduce((sum, { token, amount }) => sum + up(amount * (price(token) ?? 0n), WEI), 0n);
  const share = up(up(value * BigInt(params.penalty_bps), 10_000n) * WEI, native);
  return share > floor ? share : floor;
}

const word = (): Hex => bytesToHex(randomBytes(32));

export class Bidder {
  constructor(
    private readonly chain: Chain,
    private readonly key: PrivateKeyAccount,
    private readonly solver: Address,
    private readonly filler: Address,
  ) {}

  /** `sold` is what the legs take of each sell token. */
  async sign(auction: Auction, legs: Leg[], sold: readonly Sold[]): Promise<Submission> {
    const bid: BidTerms = {
      auctionId: auction.auction_id,
      solver: this.solver,
      filler: this.filler,
      gas: 200_000 + 150_000 * legs.length,
      callbackGas: 0,
      penalty: leastPenalty(auction, sold).toString(),
      validUntil: Math.floor(auction.closes_at_ms / 1000) + 3600,
      nonce: BigInt(bytesToHex(randomBytes(8))).toString(),
      salt: word(),
      clientBidId: word(),
    };
    const typed = typedOf(this.chain, "Bid", bidMessage(bid, legs, "0x")) as never;
    return {
      id: hashTypedData(typed),
      bid,
      legs,
      callback: "0x",
      signature: await this.key.signTypedData(typed),
    };
  }

  /** A receipt is worth something if it names this bid and auction and the operator's key signed it. */
  async checkReceipt(receipt: ReceiptView, auction: Auction, bid: Hex): Promise<void> {
    assert.equal(receipt.bid, bid, "the receipt names the bid");
    assert.equal(receipt.open_hash, auction.open_hash, "the receipt names the auction's opening record");
    assert(receipt.ms < auction.closes_at_ms, "the receipt is of before the close");
    const message = { openHash: receipt.open_hash, bid, ms: receipt.ms, seq: receipt.seq };
    const typed = { ...typedOf(this.chain, "Receipt", message), signature: receipt.signature } as never;
    const signer = await recoverTypedDataAddress(typed);
    assert(
      isAddressEqual(signer, this.chain.receipt_signer),
      `the receipt is signed by ${signer}, not by ${this.chain.receipt_signer}`,
    );
  }
}

/** The published record holds the bid at the place its receipt names, and hashes to the root of the close. */
export function checkPublished(
  auction: AuctionView,
  bids: readonly PublishedBid[],
  receipt: ReceiptView,
): void {
  assert.equal(bids.length, auction.bid_count, "as many bids are published as were counted at the close");
  const leaves = [...bids]
    .sort((a, b) => a.ms - b.ms || a.seq - b.seq)
    .map(({ id, ms, seq }, index) => ({ index, bidDigest: id, ms, seq }));
  const rows = leaves.map(({ index, bidDigest, ms, seq }) => [index, bidDigest, BigInt(ms), BigInt(seq)]);
  const tree = StandardMerkleTree.of(rows, ["uint32", "bytes32", "uint64", "uint64"]);
  assert.equal(tree.root, auction.bids_root, "the published bids hash to the root of the close");
  const mine = leaves.find((leaf) => leaf.bidDigest === receipt.bid);
  assert(
    mine !== undefined && mine.ms === receipt.ms && mine.seq === receipt.seq,
    "the bid is where its receipt says",
  );
  assert(
    verifyProof(tree.root as Hex, leafHash(mine), tree.getProof(mine.index) as Hex[]),
    "its leaf is under the root",
  );
}

// A solver's own audit, with other people's libraries: --api URL --key 0x… --receipts FILE [--solver 0x…] [--json]
// The file holds a JSON array of receipts, as the API gave them. Each is recovered with viem, its proof is verified by
// OpenZeppelin's Merkle library against the root of the auction, and the solver reads its own bids with a signature.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { type Address, isAddressEqual, recoverTypedDataAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { Api, type Chain, Problem } from "./lib/api.js";
import { Args } from "./lib/args.js";
import type { ReceiptView } from "./lib/bidder.js";
import { typedOf } from "./lib/toolkit.js";

const LEAF = ["uint32", "bytes32", "uint64", "uint64"];

async function checkReceipt(chain: Chain, receipt: ReceiptView): Promise<void> {
  const { open_hash, bid, ms, seq, signature } = receipt;
  const typed = { ...typedOf(chain, "Receipt", { openHash: open_hash, bid, ms, seq }), signature } as never;
  const signer = await recoverTypedDataAddress(typed);
  assert(isAddressEqual(signer, chain.receipt_signer), `the receipt of ${bid} is signed by ${signer}`);
}

async function checkProof(api: Api, receipt: ReceiptView): Promise<void> {
  const auction = await api.auction(receipt.auction_id);
  const { leaf, proof, ...about } = await api.proof(receipt.auction_id, receipt.bid);
  assert.equal(about.open_hash, receipt.open_hash, "the proof is of the auction that the receipt names");
  assert.equal(about.bids_root, auction.bids_root, "the proof is for the root of the close");
  assert.deepEqual(
    [leaf.bid, leaf.ms, leaf.seq],
    [receipt.bid, receipt.ms, receipt.seq],
    "the leaf stands where the receipt says",
  );
  const row = [leaf.index, leaf.bid, BigInt(leaf.ms), BigInt(leaf.seq)];
  assert(StandardMerkleTree.verify(about.bids_root, LEAF, row, proof), "OpenZeppelin verifies the proof");
  const moved = [leaf.index + 1, ...row.slice(1)];
  assert(!StandardMerkleTree.verify(about.bids_root, LEAF, moved, proof), "and no other leaf's");
}

async function main(): Promise<void> {
  const args = new Args(process.argv.slice(2), ["api", "key", "receipts", "solver"], ["json"]);
  const api = new Api(args.required("api"));
  const key = privateKeyToAccount(args.hex("key"));
  const solver = (args.get("solver") ?? key.address) as Address;
  const chain = await api.chain();
  const receipts = JSON.parse(readFileSync(args.required("receipts"), "utf8")) as ReceiptView[];
  assert(receipts.length > 0, "there are receipts to check");
  const validUntil = Math.floor(Date.now() / 1000) + 60;
  const typed = typedOf(chain, "ReadBids", { solver, validUntil: BigInt(validUntil) }) as never;
  const access = {
    "gavel-solver": solver,
    "gavel-valid-until": String(validUntil),
    "gavel-signature": await key.signTypedData(typed),
  };
  let verdicts = 0;
  for (const receipt of receipts) {
    await checkReceipt(chain, receipt);
    await checkProof(api, receipt);
    const own = await api.bids(receipt.auction_id, access);
    assert(
      own.every((bid) => isAddressEqual(bid.bid.solver, solver)),
      "nobody else's bids are shown",
    );
    const mine = own.find((bid) => bid.id === receipt.bid);
    assert(mine !== undefined, `${receipt.bid} is among the solver's own bids`);
    if (mine.verdict !== undefined) verdicts += 1;
  }
  const invented = api.proof(receipts[0]?.auction_id ?? 0, `0x${"11".repeat(32)}`);
  await assert.rejects(invented, (error) => error instanceof Problem && error.code === "bid_unknown");
  const outcome = { ok: true, receipts: receipts.length, verdicts };
  console.log(
    args.has("json")
      ? JSON.stringify(outcome)
      : `ok: ${receipts.length} receipts hold, every bid is under its root, ${verdicts} verdicts read`,
  );
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  console.log(process.argv.includes("--json") ? JSON.stringify({ ok: false, reason }) : `failed: ${reason}`);
  process.exitCode = 1;
});

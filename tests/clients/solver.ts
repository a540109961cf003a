// A third-party solver: --api URL --key 0x… --filler 0x… [--solver 0x…] [--inventory]
//   [--until acked|filled|published] [--timeout s] [--json]
// It follows /v1/stream, bids once for what it can match (or fill from its filler with --inventory), and checks
// the receipt; with --until it also waits for the fill, or for the published record that must hold its bid.
import { strict as assert } from "node:assert";
import { type Hex, isAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { Api } from "./lib/api.js";
import { Args } from "./lib/args.js";
import { Bidder, type ReceiptView, type Submission, checkPublished } from "./lib/bidder.js";
import { type Auction, Book } from "./lib/book.js";
import { fillAlone, findMatch } from "./lib/strategy.js";
import { MarketSocket } from "./lib/socket.js";
import type { Leg } from "./lib/types.js";

const STAGES = ["acked", "filled", "published"] as const;
type Stage = (typeof STAGES)[number];

interface Options {
  until: Stage;
  inventory: boolean;
  log: (line: string) => void;
}

async function solve(api: Api, bidder: Bidder, socket: MarketSocket, { until, inventory, log }: Options) {
  const book = new Book();
  let sent: { submission: Submission; auction: Auction } | undefined;
  let receipt: ReceiptView | undefined;
  let missed: number | undefined;
  const done = new Set<Stage>();
  for await (const frame of socket.frames()) {
    if (frame.type === "snapshot") book.snapshot(frame);
    if (frame.type === "bid.nack") {
      if (frame.code !== "bid_late") throw new Error(`the bid was refused: ${frame.code}: ${frame.detail}`);
      missed = sent?.auction.auction_id;
      sent = undefined;
      log(`too late for auction ${missed}; the next one will do`);
    }
    if (frame.type === "bid.ack" && sent !== undefined) {
      assert.equal(frame.ref, sent.submission.id, "the answer names the submission");
      await bidder.checkReceipt(frame.receipt, sent.auction, sent.submission.id);
      receipt = frame.receipt;
      done.add("acked");
      log(`acknowledged in auction ${receipt.auction_id}; the receipt is signed`);
    }
    if (frame.type === "event") {
      book.apply(frame);
      const bid = sent?.submission.id;
      if (frame.kind === "intent.filled" && frame.data["bid"] === bid) done.add("filled");
      if (frame.kind === "intent.fill_failed" && frame.data["bid"] === bid)
        throw new Error(`the bid failed on chain: ${JSON.stringify(frame.data)}`);
      if (frame.kind === "auction.decided" && frame.data["auction_id"] === sent?.auction.auction_id) {
        const won = (frame.data["winners"] as Hex[]).includes(bid ?? "0x");
        log(won ? "won" : "lost");
        // another auction, another bid
        if (!won && until === "filled") sent = undefined;
      }
      if (
        frame.kind === "auction.published" &&
        receipt !== undefined &&
        frame.data["auction_id"] === receipt.auction_id
      ) {
        const published = await api.auction(receipt.auction_id);
        checkPublished(published, await api.bids(receipt.auction_id), receipt);
        log("published: the bid is under the root");
        done.add("published");
      }
    }
    const open = book.auction !== undefined && book.auction.auction_id !== missed;
    const legs = sent === undefined && open ? choose(book, inventory) : undefined;
    if (legs !== undefined && book.auction !== undefined) {
      const auction = book.auction;
      const sold = legs.flatMap(({ from, amount }) => {
        const token = book.fillable().find(({ id }) => id === from)?.intent.sellToken;
        return token === undefined ? [] : [{ token, amount: BigInt(amount) }];
      });
      const submission = await bidder.sign(auction, legs, sold);
      const { id, ...body } = submission;
      socket.send({ type: "bid.submit", ref: id, auction_id: auction.auction_id, ...body });
      sent = { submission, auction };
      log(`bid ${id} in auction ${auction.auction_id}`);
    }
    if (done.has(until) && receipt !== undefined && sent !== undefined)
      return { bid: sent.submission.id, receipt };
  }
  throw new Error("the stream ended");
}

function choose(book: Book, inventory: boolean): Leg[] | undefined {
  const intents = book.fillable();
  const match = findMatch(intents);
  if (match !== undefined || !inventory) return match;
  const prices = new Map(
    (book.auction?.prices ?? []).map(({ token, price }) => [token as string, BigInt(price)]),
  );
  return intents.map((intent) => fillAlone(intent, prices)).find((legs) => legs !== undefined);
}

async function main(): Promise<void> {
  const args = new Args(
    process.argv.slice(2),
    ["api", "key", "filler", "solver", "until", "timeout"],
    ["json", "inventory"],
  );
  const json = args.has("json");
  const log = (line: string): void => (json ? console.error(line) : console.log(line));
  const until = STAGES.find((stage) => stage === (args.get("until") ?? "acked"));
  if (until === undefined) throw new Error(`--until must be one of ${STAGES.join(", ")}`);
  const key = privateKeyToAccount(args.hex("key"));
  const [solver, filler] = [args.get("solver") ?? key.address, args.required("filler")];
  if (!isAddress(solver) || !isAddress(filler)) throw new Error("--solver and --filler must be addresses");
  const api = new Api(args.required("api"));
  const bidder = new Bidder(await api.chain(), key, solver, filler);
  const socket = new MarketSocket(api.base, args.seconds("timeout", 60));
  const outcome = await solve(api, bidder, socket, { until, inventory: args.has("inventory"), log }).finally(
    () => socket.close(),
  );
  console.log(json ? JSON.stringify({ ok: true, ...outcome }) : `ok: ${outcome.bid} is ${until}`);
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  console.log(process.argv.includes("--json") ? JSON.stringify({ ok: false, reason }) : `failed: ${reason}`);
  process.exitCode = 1;
});

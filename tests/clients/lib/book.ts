// What a solver knows of the market: the snapshot, and every event since.
import type { Hex } from "viem";
import type { MarketEvent } from "./sse.js";
import type { Intent } from "./types.js";

export interface OpenIntent {
  id: Hex;
  intent: Intent;
  filled: string;
  /** Whether the auction lets no other owner's intent be filled in the same bid. */
  alone?: boolean;
}

export interface Auction {
  auction_id: number;
  open_hash: Hex;
  closes_at_ms: number;
  intents: { id: Hex; fundable: string; filled: string; alone: boolean }[];
  prices: { token: Hex; price: string }[];
  params: { penalty_floor: string; penalty_bps: number; native_token: Hex };
}

export interface Snapshot {
  part: number;
  last: boolean;
  cursor: string;
  intents: OpenIntent[];
  auction: Auction | null;
}

export class Book {
  auction: Auction | undefined;
  readonly #intents = new Map<Hex, OpenIntent>();
  #seq: number | undefined;

  snapshot(part: Snapshot): void {
    if (part.part === 0) this.#intents.clear();
    for (const intent of part.intents) this.#intents.set(intent.id, intent);
    if (part.last) this.auction = part.auction ?? undefined;
    this.#seq = Number(part.cursor.split(":")[1]);
  }

  /** Applies an event; one that is missing before it is an error. */
  apply({ seq, kind, data }: MarketEvent): void {
    if (this.#seq !== undefined && seq !== this.#seq + 1)
      throw new Error(`event ${seq} follows event ${this.#seq}`);
    this.#seq = seq;
    if (kind === "intent.opened") {
      const opened = data as unknown as OpenIntent;
      this.#intents.set(opened.id, opened);
    } else if (
      kind === "intent.cancelled" ||
      kind === "intent.expired" ||
      (kind === "intent.filled" && data["complete"] === true)
    ) {
      this.#intents.delete(data["id"] as Hex);
    } else if (kind === "auction.opened") {
      this.auction = data as unknown as Auction;
    } else if (kind === "auction.closed" && this.auction?.auction_id === data["auction_id"]) {
      this.auction = undefined;
    }
  }

  /** The open auction's intents that can be filled whole. */
  fillable(): OpenIntent[] {
    return (this.auction?.intents ?? []).flatMap(({ id, fundable, filled, alone }) => {
      const known = this.#intents.get(id);
      const whole =
        known !== undefined && filled === "0" && BigInt(fundable) >= BigInt(known.intent.sellAmount);
      return whole ? [{ ...known, alone }] : [];
    });
  }
}

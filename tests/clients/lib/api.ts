// The REST API as a wallet sees it. Amounts are decimal strings.
import type { Address, Hex } from "viem";
import type { MarketEvent } from "./sse.js";
import type { BidTerms, Intent, Leg } from "./types.js";

export interface TypedField {
  name: string;
  type: string;
}

export interface Token {
  symbol: string;
  address: Address;
  decimals: number;
  price: string;
}

export interface Chain {
  chain_id: number;
  settlement: Address;
  eip712: {
    domain: { name: string; version: string; chainId: number; verifyingContract: Address };
    types: Record<string, TypedField[]>;
  };
  receipt_signer: Address;
  tokens: Token[];
  max_ttl_s: number;
  window_ms: number;
  server_time_ms: number;
}

export interface Evidence {
  tx: Hex;
  block: { number: number; hash: Hex };
}

export interface IntentView {
  id: Hex;
  intent: Intent;
  status: string;
  filled: string;
  auction_id: number | null;
  cancel_requested: boolean;
  created_at_ms: number;
  evidence: Evidence | null;
}

export interface CancelResult {
  id: Hex;
  result: "cancelled" | "too_late" | "already_final" | "unknown" | "not_owner";
  auction_id?: number;
  status?: string;
}

export interface PublishedBid {
  id: Hex;
  ms: number;
  seq: number;
  bid: BidTerms;
  legs: Leg[];
  callback: Hex;
  signature: Hex;
  verdict: unknown;
}

export interface AuctionView {
  id: number;
  status: string;
  open_hash: Hex;
  bid_count?: number;
  bids_root?: Hex;
  winners?: Hex[];
}

export interface BidPage {
  items: PublishedBid[];
  next?: string;
}

export interface BidProof {
  auction_id: number;
  open_hash: Hex;
  bids_root: Hex;
  bid_count: number;
  leaf: { index: number; bid: Hex; ms: number; seq: number };
  proof: Hex[];
}

export interface Timeline {
  items: { at_ms: number; kind: string; detail: Record<string, unknown> }[];
}

/** An answer of 400 and above: problem+json (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly retryable: boolean,
  ) {
    super(`${status} ${code}: ${detail}`);
  }
}

export class Api {
  readonly base: string;

  constructor(url: string) {
    this.base = url.replace(/\/$/, "");
  }

  async #call<T>(
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: T }> {
    const request =
      body === undefined
        ? { headers: { accept: "application/json", ...headers } }
        : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(this.base + path, { ...request, signal: AbortSignal.timeout(15_000) });
    const text = await response.text();
    const json = parseJson(text);
    if (response.ok) return { status: response.status, body: json as T };
    const kind = response.headers.get("content-type") ?? "";
    if (!kind.startsWith("application/problem+json"))
      throw new Error(`${path}: ${response.status} is not problem+json but ${kind}: ${text.slice(0, 200)}`);
    const problem = json as { code?: string; detail?: string; retryable?: boolean; errors?: unknown };
    const errors = problem.errors === undefined ? "" : ` ${JSON.stringify(problem.errors)}`;
    throw new Problem(
      response.status,
      problem.code ?? "none",
      (problem.detail ?? "") + errors,
      problem.retryable ?? false,
    );
  }

  chain = async (): Promise<Chain> => (await this.#call<Chain>("/v1/chain")).body;

  /** History after a cursor, as a page of JSON instead of a stream. */
  history = async (after: string): Promise<MarketEvent[]> =>
    (await this.#call<{ items: MarketEvent[] }>(`/v1/events?limit=1000&after=${after}`)).body.items;

  /** 201 when it is new, 200 when it was there. */
  postIntent = (intent: Intent, signature: Hex) =>
    this.#call<IntentView>("/v1/intents", { intent, signature });

  intent = async (id: Hex): Promise<IntentView> => (await this.#call<IntentView>(`/v1/intents/${id}`)).body;

  timeline = async (id: Hex): Promise<Timeline> =>
    (await this.#call<Timeline>(`/v1/intents/${id}/timeline`)).body;

  auction = async (id: number): Promise<AuctionView> =>
    (await this.#call<AuctionView>(`/v1/auctions/${id}`)).body;

  /** Every bid of an auction: all once it is published, a solver's own with the headers that show it. */
  async bids(id: number, own?: Record<string, string>): Promise<PublishedBid[]> {
    const bids: PublishedBid[] = [];
    const path = `/v1/auctions/${id}/bids${own === undefined ? "" : "/own"}`;
    let after = "";
    for (;;) {
      const page = (await this.#call<BidPage>(path + after, undefined, own)).body;
      bids.push(...page.items);
      if (page.next === undefined) return bids;
      after = `?after=${page.next}`;
    }
  }

  proof = async (id: number, bid: Hex): Promise<BidProof> =>
    (await this.#call<BidProof>(`/v1/auctions/${id}/proof?bid=${bid}`)).body;

  cancel = async (owner: Address, intents: Hex[], signature: Hex): Promise<CancelResult[]> =>
    (await this.#call<{ results: CancelResult[] }>("/v1/intents/cancel", { owner, intents, signature })).body
      .results;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// The stream over WebSocket: subscribes from a snapshot, reconnects when it is told to start again.
import WebSocket from "ws";
import type { ReceiptView } from "./bidder.js";
import type { Snapshot } from "./book.js";
import type { MarketEvent } from "./sse.js";

export type ServerFrame =
  | { type: "hello"; protocol: string }
  | ({ type: "snapshot" } & Snapshot)
  | ({ type: "event" } & MarketEvent)
  | { type: "heartbeat"; head_seq: number }
  | { type: "bid.ack"; ref: string; receipt: ReceiptView }
  | { type: "bid.nack"; ref: string; code: string; detail: string; retryable: boolean }
  | { type: "error"; code: string; detail: string }
  | { type: "pong" }
  | { type: "resync_required"; reason: string };

export class MarketSocket {
  readonly #url: string;
  readonly #deadline: number;
  #socket: WebSocket | undefined;
  #closed = false;

  constructor(api: string, timeoutMs: number) {
    this.#url = `${api.replace(/^http/, "ws")}/v1/stream`;
    this.#deadline = Date.now() + timeoutMs;
  }

  send(frame: Record<string, unknown>): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
  }

  /** Frames of this and every following connection; each begins with a snapshot. */
  async *frames(): AsyncGenerator<ServerFrame> {
    for (let attempt = 0; !this.#closed; attempt += 1) {
      if (attempt > 5) throw new Error(`${this.#url} could not be held`);
      let subscribed = false;
      for await (const frame of this.#connection()) {
        if (frame.type === "resync_required") break;
        if (frame.type === "error")
          throw new Error(`the server does not understand: ${frame.code}: ${frame.detail}`);
        if (frame.type === "hello" && !subscribed) {
          subscribed = true;
          if (frame.protocol !== "intent-stream.v1") throw new Error(`unknown protocol ${frame.protocol}`);
          this.send({ type: "subscribe", from: "snapshot" });
        }
        yield frame;
      }
      await new Promise((resume) => setTimeout(resume, 100 * (attempt + 1)));
    }
  }

  async *#connection(): AsyncGenerator<ServerFrame> {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    const queue: (ServerFrame | Error | undefined)[] = [];
    let wake: () => void = () => undefined;
    const put = (item: ServerFrame | Error | undefined): void => {
      queue.push(item);
      wake();
    };
    const late = setTimeout(
      () => put(new Error("nothing to be done came in time")),
      Math.max(0, this.#deadline - Date.now()),
    );
    socket.on("message", (data: Buffer) => put(JSON.parse(data.toString()) as ServerFrame));
    socket.on("error", put);
    socket.on("close", () => put(undefined));
    try {
      for (;;) {
        while (queue.length === 0) await new Promise<void>((resume) => (wake = resume));
        const item = queue.shift();
        if (item === undefined) return;
        if (item instanceof Error) throw item;
        yield item;
      }
    } finally {
      clearTimeout(late);
      socket.terminate();
    }
  }
}

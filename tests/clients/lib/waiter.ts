// Keeps the events seen and wakes whoever waits for one of them.
import type { MarketEvent } from "./sse.js";

export class Waiter {
  readonly #events: MarketEvent[] = [];
  readonly #notes = new Set<string>();
  readonly #deadline: number;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(timeoutMs: number) {
    this.#deadline = Date.now() + timeoutMs;
  }

  push(event: MarketEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  note(what: string): void {
    this.#notes.add(what);
    this.#wake();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  noted(what: string): true | undefined {
    return this.#notes.has(what) ? true : undefined;
  }

  /** The first event of a kind about an intent. */
  event(kind: string, id: string): MarketEvent | undefined {
    return this.find(kind, (event) => event.data["id"] === id);
  }

  /** The first event of a kind that is the one. */
  find(kind: string, isIt: (event: MarketEvent) => boolean): MarketEvent | undefined {
    return this.#events.find((event) => event.kind === kind && isIt(event));
  }

  /** Everything seen so far, in order. */
  get events(): readonly MarketEvent[] {
    return this.#events;
  }

  /** Waits until `found` finds something; fails with what it waited for. */
  async until<T>(what: string, found: () => T | undefined): Promise<T> {
    for (;;) {
      const value = found();
      if (value !== undefined) return value;
      if (this.#failure !== undefined) throw this.#failure;
      const left = this.#deadline - Date.now();
      if (left <= 0)
        throw new Error(
          `no ${what} in time; seen: ${this.#events.map((event) => event.kind).join(", ") || "nothing"}`,
        );
      await new Promise<void>((resume) => {
        const timer = setTimeout(resume, left);
        this.#wake = () => {
          clearTimeout(timer);
          resume();
        };
      });
    }
  }
}

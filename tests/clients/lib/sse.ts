// Server-sent events over fetch: a parser, and a follower that resumes where it was cut off.
export interface Frame {
  id?: string;
  event: string;
  data: string;
}

/** Splits a byte stream into frames, as the HTML standard's "event stream interpretation" has it. */
export async function* parseFrames(body: ReadableStream<Uint8Array>): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  let frame: { id?: string; event?: string; data: string[] } = { data: [] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line !== "") {
          take(frame, line);
          continue;
        }
        if (frame.data.length > 0) {
          const id = frame.id === undefined ? {} : { id: frame.id };
          yield { ...id, event: frame.event ?? "message", data: frame.data.join("\n") };
        }
        frame = { data: [] };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function take(frame: { id?: string; event?: string; data: string[] }, line: string): void {
  const colon = line.indexOf(":");
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (field === "data") frame.data.push(value);
  if (field === "event") frame.event = value;
  if (field === "id") frame.id = value;
}

export interface MarketEvent {
  cursor: string;
  seq: number;
  at_ms: number;
  kind: string;
  data: Record<string, unknown>;
}

interface Hello {
  protocol: string;
  epoch: number;
  head_seq: number;
}

/** Follows `/v1/events`; checks that no event is lost or repeated, across reconnects too. */
export class EventFollower {
  /** How often the connection was opened. */
  connections = 0;
  #cursor: string | undefined;
  #stop = new AbortController();
  #connection: AbortController | undefined;

  constructor(
    private readonly api: string,
    private readonly onHello: () => void = () => undefined,
  ) {}

  /** Ends the iteration. */
  close(): void {
    this.#stop.abort();
    this.#connection?.abort();
  }

  /** Cuts the connection as a bad network would; the iteration resumes. */
  interrupt(): void {
    this.#connection?.abort();
  }

  async *events(): AsyncGenerator<MarketEvent> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      try {
        for await (const event of this.#connect()) {
          failures = 0;
          yield event;
        }
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (error instanceof StreamFault || (failures += 1) > 5) throw error;
      }
      await new Promise((resume) => setTimeout(resume, 100 * failures));
    }
  }

  async *#connect(): AsyncGenerator<MarketEvent> {
    const connection = new AbortController();
    this.#connection = connection;
    const resume: Record<string, string> =
      this.#cursor === undefined ? {} : { "last-event-id": this.#cursor };
    const query = this.#cursor === undefined ? "?from=now" : "";
    const response = await fetch(`${this.api}/v1/events${query}`, {
      headers: { accept: "text/event-stream", ...resume },
      signal: connection.signal,
    });
    if (!response.ok || response.body === null)
      throw new StreamFault(`/v1/events: ${response.status} ${await response.text()}`);
    this.connections += 1;
    for await (const frame of parseFrames(response.body)) {
      if (frame.event === "resync_required")
        throw new StreamFault(`the server asks to start again: ${frame.data}`);
      if (frame.event === "hello") this.#hello(JSON.parse(frame.data) as Hello);
      // what has no id is no event of the market: heartbeats, and what a later version may add
      if (frame.id !== undefined && frame.event !== "snapshot") yield this.#event(frame);
    }
  }

  #hello(hello: Hello): void {
    if (hello.protocol !== "intent-stream.v1") throw new StreamFault(`unknown protocol ${hello.protocol}`);
    this.#cursor ??= `${hello.epoch}:${hello.head_seq}`;
    this.onHello();
  }

  #event(frame: Frame): MarketEvent {
    const event = JSON.parse(frame.data) as MarketEvent;
    if (frame.id !== event.cursor || frame.event !== event.kind)
      throw new StreamFault(`frame and body differ: ${JSON.stringify(frame)}`);
    const before = Number(this.#cursor?.split(":")[1]);
    if (event.seq !== before + 1) throw new StreamFault(`event ${event.seq} follows event ${before}`);
    this.#cursor = event.cursor;
    return event;
  }
}

/** The stream broke its own promises; reconnecting would hide it. */
export class StreamFault extends Error {}

import { strict as assert } from "node:assert";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { EventFollower, type Frame, type MarketEvent, parseFrames } from "../lib/sse.js";

function bytes(...chunks: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

async function framesOf(...chunks: string[]): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of parseFrames(bytes(...chunks))) frames.push(frame);
  return frames;
}

test("a frame may come in pieces of any size", async () => {
  const text = 'id: 1:2\nevent: intent.opened\ndata: {"a":1}\n\n: comment\n\ndata: x\ndata: y\n\n';
  const wanted = [
    { id: "1:2", event: "intent.opened", data: '{"a":1}' },
    { event: "message", data: "x\ny" },
  ];
  assert.deepEqual(await framesOf(text), wanted);
  assert.deepEqual(await framesOf(...text), wanted);
  assert.deepEqual(await framesOf(...text.replaceAll("\n", "\r\n")), wanted);
});

test("a frame that was not ended is not a frame", async () => {
  assert.deepEqual(await framesOf("data: x\n"), []);
});

const hello = (head: number): string =>
  `event: hello\ndata: {"protocol":"intent-stream.v1","epoch":1,"head_seq":${head}}\n\n`;
const event = (seq: number): string => {
  const body = { cursor: `1:${seq}`, seq, at_ms: 0, kind: "intent.opened", data: { id: `0x${seq}` } };
  return `id: 1:${seq}\nevent: intent.opened\ndata: ${JSON.stringify(body)}\n\n`;
};

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    answer(request, response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("a follower that is cut off resumes after the last event it saw", async () => {
  const asked: (string | undefined)[] = [];
  const { server, url } = await serve((request, response) => {
    asked.push(request.headers["last-event-id"] as string | undefined);
    if (asked.length === 1) response.write(hello(4) + event(5));
    else response.write(hello(6) + event(6));
  });
  const follower = new EventFollower(url);
  const seen: MarketEvent[] = [];
  for await (const next of follower.events()) {
    seen.push(next);
    if (seen.length === 1) follower.interrupt();
    else follower.close();
  }
  server.closeAllConnections();
  server.close();
  assert.deepEqual(
    seen.map((next) => next.seq),
    [5, 6],
  );
  assert.deepEqual(asked, [undefined, "1:5"]);
});

test("a gap in the numbers is a fault, not something to reconnect over", async () => {
  const { server, url } = await serve((_, response) => {
    response.write(hello(4) + event(6));
  });
  await assert.rejects(async () => {
    for await (const next of new EventFollower(url).events()) assert.fail(`event ${next.seq}`);
  }, /event 6 follows event 4/);
  server.closeAllConnections();
  server.close();
});

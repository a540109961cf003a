// A private anvil: the native binary (its npm wrapper would leave it running), a free port, stopped by its pid.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PLATFORMS: Record<string, string> = {
  "linux-x64": "linux-amd64",
  "linux-arm64": "linux-arm64",
  "darwin-x64": "darwin-amd64",
  "darwin-arm64": "darwin-arm64",
};

export interface Anvil {
  url: string;
  stop(): Promise<void>;
}

export async function startAnvil(): Promise<Anvil> {
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  const binary = fileURLToPath(
    new URL(`../node_modules/@foundry-rs/anvil-${platform}/bin/anvil`, import.meta.url),
  );
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run npm ci in tests/`);
  const child = spawn(
    binary,
    ["--host", "127.0.0.1", "--port", "0", "--hardfork", "prague", "--accounts", "4"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const url = await address(child);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    url,
    stop: async () => {
      process.off("exit", kill);
      child.kill("SIGTERM");
      const late = setTimeout(kill, 3000);
      await ended;
      clearTimeout(late);
    },
  };
}

function address(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", (code) => reject(new Error(`anvil ended with ${code}: ${text}`)));
    child.once("error", reject);
    child.stdout?.on("data", (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-10_000);
      const found = /Listening on (127\.0\.0\.1:\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(`http://${found}`);
    });
  });
}

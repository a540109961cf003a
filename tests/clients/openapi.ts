// Whether client generators accept the API's description: --api URL (its /openapi.json) or --file PATH.
// It must be valid OpenAPI, name every route, and give types that compile under `strict`.
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Validator } from "@seriousme/openapi-schema-validator";
import openapiTS, { type OpenAPI3, astToString } from "openapi-typescript";
import ts from "typescript";
import { Args } from "./lib/args.js";

const ROUTES: [string, string[]][] = [
  ["/v1/chain", ["get"]],
  ["/v1/intents", ["get", "post"]],
  ["/v1/intents/{id}", ["get"]],
  ["/v1/intents/{id}/timeline", ["get"]],
  ["/v1/intents/cancel", ["post"]],
  ["/v1/auctions", ["get"]],
  ["/v1/auctions/{id}", ["get"]],
  ["/v1/auctions/{id}/bids", ["get", "post"]],
  ["/v1/auctions/{id}/bids/own", ["get"]],
  ["/v1/auctions/{id}/proof", ["get"]],
  ["/v1/auctions/{id}/export", ["get"]],
  ["/v1/solvers/{address}", ["get"]],
  ["/v1/events", ["get"]],
  ["/health/live", ["get"]],
  ["/health/ready", ["get"]],
];

/** What a client's author writes; it compiles only if the generated types say as much. */
const CLIENT = `
import type { paths } from "./schema.js";
type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Posted = Json<paths["/v1/intents"]["post"]["responses"][201]>;
type Post = NonNullable<paths["/v1/intents"]["post"]["requestBody"]>["content"]["application/json"];
export const status = (view: Posted): string => view.status;
export const sold = (body: Post): string => body.intent.sellAmount;
export const valid = (body: Post): number => body.intent.validTo;
export const receipt = (bid: Json<paths["/v1/auctions/{id}/bids"]["post"]["responses"][201]>): string => bid.receipt.signature;
export const settlement = (chain: Json<paths["/v1/chain"]["get"]["responses"][200]>): string => chain.settlement;
`;

async function load(args: Args): Promise<OpenAPI3> {
  const file = args.get("file");
  if (file !== undefined) return JSON.parse(readFileSync(file, "utf8")) as OpenAPI3;
  const response = await fetch(`${args.required("api").replace(/\/$/, "")}/openapi.json`);
  assert(response.ok, `/openapi.json: ${response.status}`);
  return (await response.json()) as OpenAPI3;
}

function checkRoutes(document: OpenAPI3): void {
  const names = new Set<string>();
  for (const [path, methods] of ROUTES) {
    for (const method of methods) {
      const operation = (
        document.paths?.[path] as Record<string, { operationId?: string; responses?: object }> | undefined
      )?.[method];
      assert(operation !== undefined, `${method} ${path} is not described`);
      assert(
        operation.operationId !== undefined && !names.has(operation.operationId),
        `${method} ${path} has a name of its own`,
      );
      names.add(operation.operationId);
      assert(Object.keys(operation.responses ?? {}).length > 0, `${method} ${path} says what it answers`);
    }
  }
}

function compile(folder: string): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    skipLibCheck: false,
    types: [],
  };
  const program = ts.createProgram([join(folder, "client.ts")], options);
  const flat = (diagnostic: ts.Diagnostic): string =>
    ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
  return ts
    .getPreEmitDiagnostics(program)
    .map((diagnostic) => `${diagnostic.file?.fileName ?? ""}: ${flat(diagnostic)}`);
}

async function main(): Promise<void> {
  const document = await load(new Args(process.argv.slice(2), ["api", "file"], []));
  const verdict = await new Validator().validate(
    structuredClone(document) as unknown as Record<string, unknown>,
  );
  assert(verdict.valid, `not valid OpenAPI: ${JSON.stringify(verdict.errors)}`);
  checkRoutes(document);
  const types = astToString(await openapiTS(document));
  const folder = mkdtempSync(join(fileURLToPath(new URL("../node_modules", import.meta.url)), ".openapi-"));
  try {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(folder, "schema.ts"), types);
    writeFileSync(join(folder, "client.ts"), CLIENT);
    const faults = compile(folder);
    assert.equal(faults.length, 0, `the generated types do not compile:\n${faults.join("\n")}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    `ok: OpenAPI ${document.openapi}, ${Object.keys(document.paths ?? {}).length} paths, types compile`,
  );
}

main().catch((error: unknown) => {
  console.log(`failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});

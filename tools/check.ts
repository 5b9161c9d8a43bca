/**
 * Everything that is checked beside the tests: format, lint, types, documentation, publishing, layers. All steps run;
 * the end says which failed. Needs no network once Deno has the clients that the examples import.
 *
 * Usage: deno run -A tools/check.ts
 */

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

interface Step {
  readonly what: string;
  /** The arguments of deno. */
  readonly command: readonly string[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const configuration: { exports: Record<string, string> } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
const entries = Object.values(configuration.exports);

// An example with packages of its own is checked by its test, which fetches them.
const examples = readdirSync(join(root, "examples")).filter((name) =>
  !existsSync(join(root, "examples", name, "package.json"))
).map((name) => `examples/${name}`);
const typed = ["mod.ts", "ffi", "src", "tests", "tools", "bench", ...examples];

const steps: readonly Step[] = [
  { what: "format", command: ["fmt", "--check"] },
  { what: "lint", command: ["lint", "--quiet"] },
  { what: "types", command: ["check", "--quiet", ...typed] },
  // All entries at once: what one of them exports is documented for the others.
  { what: "documentation", command: ["doc", "--lint", "--quiet", ...entries] },
  { what: "publishing, without slow types", command: ["publish", "--dry-run", "--allow-dirty", "--quiet"] },
  { what: "layers", command: ["run", "--quiet", "--allow-read", "tools/check_layers.ts"] },
];

const failed = steps.filter((step) => !passes(step)).map(({ what }) => what);
if (failed.length > 0) console.error(`\nFAILED: ${failed.join("; ")}`);
console.log(`\ntotal: ${steps.length - failed.length} passed, ${failed.length} failed, 0 skipped`);
process.exit(failed.length === 0 ? 0 : 1);

/** Runs a step, and shows what it printed if it failed. */
function passes({ what, command }: Step): boolean {
  const { status, error, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const holds = status === 0;
  if (!holds) console.error(`\n$ deno ${command.join(" ")}\n${error?.message ?? ""}${stdout}${stderr}`);
  console.log(`${holds ? "ok" : "FAILED"}: ${what}`);
  return holds;
}

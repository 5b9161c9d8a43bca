/**
 * Makes PLATFORMS.md of what the tasks really ran, or checks that it says what they ran.
 *
 * Usage: deno run -A tools/platforms.ts [--check FOLDER]
 *
 * Each task writes what it ran into the folder that PROCREF_RESULTS names; docs/platforms holds those of the last
 * release. With --check the results of FOLDER must make the same table as those, numbers of tests apart.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { platformsDocument, tableOf } from "./platforms/document.ts";
import type { Result } from "./suite/results.ts";
import { Tally } from "./suite/tally.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENT = join(root, "PLATFORMS.md");
const RELEASED = join(root, "docs", "platforms");

const [word, folder] = process.argv.slice(2);
if (word === "--check" && folder !== undefined) check(folder);
else if (word === undefined) writeFileSync(DOCUMENT, documentOf(resultsIn(RELEASED)));
else throw new Error("usage: deno run -A tools/platforms.ts [--check FOLDER]");

function resultsIn(from: string): Result[] {
  const names = readdirSync(from).filter((name) => name.endsWith(".json")).sort();
  return names.flatMap((name) => JSON.parse(readFileSync(join(from, name), "utf8")) as Result[]);
}

/** The document as `deno fmt` wants it. */
function documentOf(results: readonly Result[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["fmt", "--ext=md", "-"], {
    cwd: root,
    encoding: "utf8",
    input: platformsDocument(results),
  });
  if (status !== 0) throw new Error(`deno fmt failed: ${stderr}`);
  return stdout;
}

function check(from: string): void {
  const tally = new Tally();
  const released = resultsIn(RELEASED);
  tally.check(
    "PLATFORMS.md is what docs/platforms says",
    readFileSync(DOCUMENT, "utf8") === documentOf(released),
  );
  const ran = resultsIn(from);
  const [now, before] = [ran, released].map((results) => tableOf(results, { amounts: false }));
  const missing = before.filter((row) => !now.includes(row));
  const unknown = now.filter((row) => !before.includes(row));
  for (const row of missing) console.log(`it says, and it was not so: ${row}`);
  for (const row of unknown) console.log(`it was so, and it does not say: ${row}`);
  tally.check("docs/platforms says where it ran", missing.length === 0 && unknown.length === 0);
  const parts = partsOf(released);
  const others = [...partsOf(ran)].filter((part) => !parts.has(part));
  for (const part of others) console.log(`it ran, and it does not say: ${part}`);
  tally.check("docs/platforms says all that ran", others.length === 0);
  tally.end();
}

/** What ran of the suite, with where it ran. */
function partsOf(results: readonly Result[]): Set<string> {
  return new Set(
    results.flatMap((result) =>
      result.kind === "abi"
        ? []
        : result.parts.map((part) => [part, result.system, result.architecture, result.runtime].join(", "))
    ),
  );
}

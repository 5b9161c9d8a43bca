/**
 * The chaos run: clients, supervisors and services are killed at random, and what may never happen is looked for.
 *
 * Usage: deno run -A tools/chaos.ts [--seed N] [--rounds N] [--first N] [--abreast N] [--minutes N] [--write]
 *
 * The seed reproduces the plan of every round; `--first` and `--rounds` repeat some of them. `--write` writes the
 * result to docs/chaos.md.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describe } from "./chaos/report.ts";
import { run } from "./chaos/run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    rounds: { type: "string", default: "100" },
    first: { type: "string", default: "0" },
    abreast: { type: "string", default: "5" },
    minutes: { type: "string", default: "15" },
    write: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const began = performance.now();
const statistics = await run({
  seed,
  rounds: Number(values.rounds),
  first: Number(values.first),
  abreast: Number(values.abreast),
  limitMs: Number(values.minutes) * 60_000,
  say: (text) => console.log(text),
});
const report = await describe(statistics, seed, performance.now() - began);
console.log(`\n${report.tables}`);
for (const violation of statistics.violations) console.error(`VIOLATION: ${violation}`);
if (values.write) {
  const path = fileURLToPath(new URL("../docs/chaos.md", import.meta.url));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, report.document);
  spawnSync("deno", ["fmt", "--quiet", path], { stdio: "inherit" });
}
console.log(`\n${statistics.kills} kills, ${statistics.violations.length} violations`);
process.exit(statistics.violations.length === 0 && statistics.kills > 0 ? 0 : 1);

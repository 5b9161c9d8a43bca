/**
 * Measures in both runtimes beside the raw system calls, and checks what is promised of a burst of clients. Ends with
 * status 1 when a promise is broken.
 *
 * Usage: deno task bench [pairs|warm|burst|cold|crash|cost|many|semaphores|registry|groups...]
 */

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { checkWarmPath } from "./check_warm_path.ts";
import { coldBurst } from "./cold_burst.ts";
import { AMOUNT, comparePairs, ROUNDS } from "./compare_pairs.ts";
import { catchInterruption } from "./interruption.ts";
import { failover } from "./group/failover.ts";
import { coldAcquire } from "./supervised/cold_acquire.ts";
import { crashToStop } from "./supervised/crash_to_stop.ts";
import { manyHolders } from "./supervised/many_holders.ts";
import { supervisorCost } from "./supervised/supervisor_cost.ts";
import { describeMachine } from "./machine.ts";
import { buildNativeProgram } from "./native_program.ts";
import { registryCosts } from "./registry/registry_costs.ts";
import { Report } from "./report.ts";
import { semaphores } from "./semaphore/semaphores.ts";

const started = performance.now();
const report = new Report();
const prefix = `bench-${process.pid}`;
let isComparable = false;

/** What is measured: a title, and how. Each has a state directory for itself. */
const SECTIONS: Record<string, readonly [title: string, measure: (state: string, name: string) => Promise<void>]> = {
  pairs: ["one acquire and one release while another reference is held, beside the same in C", pairs],
  warm: ["what a warm acquire and release of a service ask of the system", (...at) => checkWarmPath(report, ...at)],
  burst: ["100 clients start cold at once, 50 in each runtime", (...at) => coldBurst(report, ...at)],
  cold: ["the first acquire of a supervised service that is ready at once", (...at) => coldAcquire(report, ...at)],
  crash: ["the last client of a supervised service is SIGKILLed", (...at) => crashToStop(report, ...at)],
  cost: ["a supervisor that waits", (...at) => supervisorCost(report, ...at)],
  many: ["many processes hold one service", (...at) => manyHolders(report, ...at)],
  semaphores: ["a semaphore in a file", (state) => semaphores(report, state)],
  registry: ["a service registry", (...at) => registryCosts(report, ...at)],
  groups: ["the primary of a group of services is SIGKILLed", () => failover(report)],
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SECTIONS);
const unknown = wanted.filter((word) => !Object.hasOwn(SECTIONS, word));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(", ")}; there are ${Object.keys(SECTIONS).join(", ")}`);
  process.exit(2);
}

const temporary = realpathSync(mkdtempSync(join(tmpdir(), "procref-bench-")));
catchInterruption();
try {
  const compiler = await buildNativeProgram();
  isComparable = compiler !== undefined;
  report.say(`machine: ${await describeMachine(compiler)}`);
  for (const word of wanted) {
    const [title, measure] = SECTIONS[word];
    report.say(`\n== ${title}`);
    await measure(directory(word), `${prefix}-${word}`);
  }
} catch (error) {
  report.promise(`the benchmarks come to their end: ${(error as Error).message}`, false);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
const seconds = ((performance.now() - started) / 1000).toFixed(0);
report.say(`\n${report.broken === 0 ? "all promises kept" : `promises broken: ${report.broken}`}, in ${seconds} s`);
process.exit(report.broken === 0 ? 0 : 1);

async function pairs(state: string): Promise<void> {
  if (!isComparable) return report.say("skipped: there is no C compiler (cc), so there is nothing to compare with");
  report.table(await comparePairs(state, prefix));
  report.say(
    `times of one pair; medians of ${ROUNDS} rounds of ${AMOUNT.slices} slices of ${AMOUNT.pairs} pairs; ` +
      "p99: of the slices; ratio: to C right before and after",
  );
}

function directory(name: string): string {
  const path = join(temporary, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

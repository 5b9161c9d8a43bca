/**
 * Measures in both runtimes beside the raw system calls, and checks what is promised of a burst of clients. Ends with
 * status 1 when a promise is broken.
 *
 * Usage: deno task bench
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
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "procref-bench-")));
const prefix = `bench-${process.pid}`;
catchInterruption();
try {
  const compiler = await buildNativeProgram();
  report.say(`machine: ${await describeMachine(compiler)}`);
  await pairs(compiler !== undefined);
  await warmPath();
  await burst();
  await supervised();
  report.say("\n== a semaphore in a file");
  await semaphores(report, directory("semaphores"));
  await registry();
  await groups();
} catch (error) {
  report.promise(`the benchmarks come to their end: ${(error as Error).message}`, false);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
const seconds = ((performance.now() - started) / 1000).toFixed(0);
report.say(`\n${report.broken === 0 ? "all promises kept" : `promises broken: ${report.broken}`}, in ${seconds} s`);
process.exit(report.broken === 0 ? 0 : 1);

async function pairs(comparable: boolean): Promise<void> {
  report.say("\n== one acquire and one release while another reference is held, beside the same in C");
  if (!comparable) return report.say("skipped: there is no C compiler (cc), so there is nothing to compare with");
  report.table(await comparePairs(directory("pairs"), prefix));
  report.say(
    `times of one pair; medians of ${ROUNDS} rounds of ${AMOUNT.slices} slices of ${AMOUNT.pairs} pairs; ` +
      "p99: of the slices; ratio: to C right before and after",
  );
}

async function warmPath(): Promise<void> {
  report.say("\n== what a warm acquire and release of a service ask of the system");
  await checkWarmPath(report, directory("warm"), `${prefix}-warm`);
}

async function burst(): Promise<void> {
  report.say("\n== 100 clients start cold at once, 50 in each runtime");
  await coldBurst(report, directory("burst"), `${prefix}-burst`);
}

async function supervised(): Promise<void> {
  report.say("\n== the first acquire of a supervised service that is ready at once");
  await coldAcquire(report, directory("cold"), `${prefix}-cold`);
  report.say("\n== the last client of a supervised service is SIGKILLed");
  await crashToStop(report, directory("crash"), `${prefix}-crash`);
  report.say("\n== a supervisor that waits");
  await supervisorCost(report, directory("cost"), `${prefix}-cost`);
  report.say("\n== many processes hold one service");
  await manyHolders(report, directory("many"), `${prefix}-many`);
}

async function registry(): Promise<void> {
  report.say("\n== a service registry");
  await registryCosts(report, directory("registry"), `${prefix}-registry`);
}

async function groups(): Promise<void> {
  report.say("\n== the primary of a group of services is SIGKILLed");
  await failover(report);
}

function directory(name: string): string {
  const path = join(temporary, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** Checks in both runtimes what a warm acquire and release of a service ask of the system. */

import { bothRuntimes, type RuntimeName } from "../tests/harness/runtime.ts";
import { removeSets } from "./kernel_sets.ts";
import type { Report } from "./report.ts";
import { runProgram } from "./run_program.ts";
import { commandOf } from "./runtimes.ts";
import type { WarmPathCosts } from "./warm_path.ts";

const PAIRS = 1000;
const RUN_MS = 20_000;

/**
 * Runs `warm_path.ts` in both runtimes.
 *
 * @param directory where state is kept
 * @param name the service's name
 */
export async function checkWarmPath(report: Report, directory: string, name: string): Promise<void> {
  for (const runtime of bothRuntimes) {
    const { calls, reads } = await runWarmPath(runtime, directory, name);
    const { semop, poll, ...others } = calls;
    const listed = Object.entries(calls).map(([symbol, times]) => `${symbol} ${times}`).join(", ");
    report.promise(
      `${runtime}: ${PAIRS} pairs call semop twice and poll once each, and nothing else (${listed})`,
      semop === 2 * PAIRS && poll === PAIRS && Object.keys(others).length === 0,
    );
    if (reads === undefined) report.say(`skipped: ${runtime}: this kernel does not count reads in /proc/self/io`);
    else report.promise(`${runtime}: ${PAIRS} pairs read no file (${reads} reads)`, reads === 0);
  }
}

async function runWarmPath(runtime: RuntimeName, directory: string, name: string): Promise<WarmPathCosts> {
  const command = commandOf(runtime, "warm_path.ts", name, String(PAIRS));
  try {
    return JSON.parse(await runProgram(command, RUN_MS, { PROCREF_DIR: directory }));
  } finally {
    removeSets(name, directory);
  }
}

/** What a semaphore in a file costs: alone, and when it goes from one process to another. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import type { Report } from "../report.ts";
import { runProgram } from "../run_program.ts";
import { commandOf } from "../runtimes.ts";
import { median, quantile } from "../statistics.ts";
import type { Timing } from "../timing.ts";

/** Where Linux keeps files in memory. */
const MEMORY = "/dev/shm";
const LIMIT_MS = 60_000;
const TURNS = 100;
/** What is asked of one acquire and release where files are kept in memory, in microseconds. */
const PAIR_ASKED_US = 60;
/** What is asked of a hand-over, in milliseconds. */
const HAND_OVER_ASKED_MS = 10;

interface Turn {
  readonly got: number;
  readonly gave: number;
}

/**
 * Measures in both runtimes, in memory and on the disk.
 *
 * @param disk a directory for this alone
 */
export async function semaphores(report: Report, disk: string): Promise<void> {
  const memory = existsSync(MEMORY) ? mkdtempSync(join(MEMORY, "procref-bench-")) : undefined;
  try {
    for (const runtime of bothRuntimes) {
      if (memory !== undefined) await pair(report, runtime, memory, true);
      await pair(report, runtime, disk, false);
    }
    for (const others of [["deno", "deno"], ["bun", "bun"], ["deno", "bun"]] as const) {
      await handOver(report, others, memory ?? disk);
    }
  } finally {
    if (memory !== undefined) rmSync(memory, { recursive: true, force: true });
  }
  report.say(`hand-overs: medians of ${TURNS} turns of two processes, from before the release to after the wait`);
}

async function pair(report: Report, runtime: RuntimeName, directory: string, isMemory: boolean): Promise<void> {
  const output = await runProgram(commandOf(runtime, "semaphore/pairs.ts", directory), LIMIT_MS);
  const { medianNs, p99Ns }: Timing = JSON.parse(output);
  const where = isMemory ? "in memory" : "on the disk, which fsync waits for";
  const what = `${runtime}: acquire and release ${where} ${(medianNs / 1000).toFixed(1)} us ` +
    `(p99 ${(p99Ns / 1000).toFixed(1)})`;
  if (isMemory) report.figure(what, medianNs / 1000, PAIR_ASKED_US, "us");
  else report.say(`    ${what}`);
}

/** What passes while one waits, but for what the other one holds, is two hand-overs: one there and one back. */
async function handOver(report: Report, runtimes: readonly RuntimeName[], directory: string): Promise<void> {
  const outputs = await Promise.all(
    runtimes.map((runtime) => runProgram(commandOf(runtime, "semaphore/taker.ts", directory, `${TURNS}`), LIMIT_MS)),
  );
  const [one, other] = outputs.map((output): Turn[] => JSON.parse(output));
  const both = [...handOvers(one, other), ...handOvers(other, one)];
  const what = `${runtimes.join(" and ")}: hand-over to a waiter ${median(both).toFixed(2)} ms ` +
    `(p90 ${quantile(both, 0.9).toFixed(2)})`;
  report.figure(what, median(both), HAND_OVER_ASKED_MS, "ms");
}

function handOvers(own: readonly Turn[], other: readonly Turn[]): number[] {
  // The first turns are left out: the one may have had several before the other one came.
  const count = Math.min(own.length, other.length) - 10;
  const lasting = other.slice(-count).map(({ got, gave }) => gave - got);
  const ends = own.slice(-count - 1);
  const waits = ends.slice(1).map(({ got }, at) => got - ends[at].gave);
  // Who has the last turn is a matter of luck, and all turns last the same but for some hundredths of a millisecond.
  const turn = median(lasting);
  return waits.map((wait) => (wait - turn) / 2);
}

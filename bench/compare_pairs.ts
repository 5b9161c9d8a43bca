/** Every case in both runtimes beside the C program, several rounds, each in another order. */

import { bothRuntimes, type RuntimeName } from "../tests/harness/runtime.ts";
import { removeSets } from "./kernel_sets.ts";
import { NATIVE_PAIRS, type NativePair, timeNativePair } from "./native_program.ts";
import { PAIR_CASES, type PairCase } from "./pair_cases.ts";
import type { ResultLine } from "./report.ts";
import { runProgram } from "./run_program.ts";
import { commandOf } from "./runtimes.ts";
import { median, shuffled } from "./statistics.ts";
import { type Amount, summarise, type Timing } from "./timing.ts";

/** How often every case runs in every runtime. */
export const ROUNDS = 5;
/** How much of it. */
export const AMOUNT: Amount = { slices: 2000, pairs: 100 };
/** The C program runs before and after each case, half as long. */
const NATIVE_AMOUNT: Amount = { slices: 1000, pairs: 100 };
const RUN_MS = 20_000;

/** A case in one runtime, with what its rounds have given so far. */
interface Job {
  readonly of: PairCase;
  readonly runtime: RuntimeName;
  readonly timings: Timing[];
  /** For each C pair, the ratio of each round. */
  readonly ratios: Map<NativePair, number[]>;
}

/**
 * Runs all rounds.
 *
 * The speed of a shared machine changes within seconds, so the ratio of a round is taken of a case and the C program
 * right before and after it, and the result is the median of these ratios.
 *
 * @param directory where state is kept
 * @param prefix what the names that are used begin with
 */
export async function comparePairs(directory: string, prefix: string): Promise<ResultLine[]> {
  const native = new Map<NativePair, Timing[]>();
  const jobs = PAIR_CASES.flatMap((of) =>
    bothRuntimes.map((runtime): Job => ({ of, runtime, timings: [], ratios: new Map() }))
  );
  for (let round = 1; round <= ROUNDS; round++) {
    for (const job of shuffled(jobs)) {
      const before = await timeNatives(job.of.beside);
      const timing = await timeCase(job, directory, `${prefix}-${round}`);
      const after = await timeNatives(job.of.beside);
      job.timings.push(timing);
      for (const pair of job.of.beside) {
        const around = [before.get(pair)!, after.get(pair)!];
        append(native, pair, ...around);
        append(job.ratios, pair, timing.medianNs * 2 / (around[0].medianNs + around[1].medianNs));
      }
    }
  }
  const pairs = Object.keys(NATIVE_PAIRS) as NativePair[];
  return [...pairs.map((pair) => nativeLine(pair, native.get(pair)!)), ...jobs.flatMap(jobLines)];
}

async function timeNatives(pairs: readonly NativePair[]): Promise<Map<NativePair, Timing>> {
  const timings = new Map<NativePair, Timing>();
  for (const pair of shuffled(pairs)) timings.set(pair, await timeNativePair(pair, NATIVE_AMOUNT));
  return timings;
}

async function timeCase({ of, runtime }: Job, directory: string, name: string): Promise<Timing> {
  const command = commandOf(runtime, "run_case.ts", of.name, name, String(AMOUNT.slices), String(AMOUNT.pairs));
  try {
    return summarise(JSON.parse(await runProgram(command, RUN_MS, { PROCREF_DIR: directory })));
  } finally {
    removeSets(name, directory);
  }
}

function append<K, V>(lists: Map<K, V[]>, key: K, ...values: V[]): void {
  lists.set(key, [...lists.get(key) ?? [], ...values]);
}

function nativeLine(pair: NativePair, timings: readonly Timing[]): ResultLine {
  return { name: NATIVE_PAIRS[pair], runtime: "c", ...overall(timings) };
}

function jobLines({ of, runtime, timings, ratios }: Job): ResultLine[] {
  return [...ratios].map(([beside, ratios]) => ({
    name: of.name,
    runtime,
    ...overall(timings),
    beside,
    ratio: median(ratios),
    asked: of.asked,
  }));
}

/** The median round. */
function overall(timings: readonly Timing[]): Timing {
  return { medianNs: median(timings.map((each) => each.medianNs)), p99Ns: median(timings.map((each) => each.p99Ns)) };
}

/**
 * How long a pair takes. Pairs are timed in slices, each long enough that the clock does not count and short enough
 * that a pause (a collection, another process) shows in the slowest of them; C and TypeScript do it alike.
 */

import { median, quantile } from "./statistics.ts";

/** How many slices are timed, and of how many pairs each. */
export interface Amount {
  readonly slices: number;
  readonly pairs: number;
}

/** What the slices of one run say, in nanoseconds per pair. */
export interface Timing {
  /** The median of batches, each of which has its share of the pauses. */
  readonly medianNs: number;
  /** The slowest slice but for one in a hundred. */
  readonly p99Ns: number;
}

/** Runs a number of pairs; a promise only where there is something to wait for. */
export type RunPairs = (pairs: number) => void | Promise<void>;

const SLICES_IN_BATCH = 50;
const WARM_UP_MS = 300;

/** Warms up, then times every slice. */
export async function timeSlices(run: RunPairs, { slices, pairs }: Amount): Promise<Float64Array> {
  const warm = performance.now() + WARM_UP_MS;
  while (performance.now() < warm) await run(pairs);
  const times = new Float64Array(slices);
  for (let slice = 0; slice < slices; slice++) {
    const from = performance.now();
    const running = run(pairs);
    if (running !== undefined) await running;
    times[slice] = (performance.now() - from) * 1e6 / pairs;
  }
  return times;
}

/** Sums the slices of one run up. */
export function summarise(slices: ArrayLike<number>): Timing {
  const times = Float64Array.from(slices);
  const batches: number[] = [];
  for (let from = 0; from < times.length; from += SLICES_IN_BATCH) {
    const batch = times.subarray(from, from + SLICES_IN_BATCH);
    batches.push(batch.reduce((sum, time) => sum + time, 0) / batch.length);
  }
  return { medianNs: median(batches), p99Ns: quantile(times, 0.99) };
}

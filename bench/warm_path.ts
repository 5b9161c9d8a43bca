/**
 * What one warm acquire and release of a service ask of the system, in this runtime. Arguments: a name, pairs. Prints
 * as JSON how often each native function was called, and how many reads the whole process made beside.
 *
 * The native calls are those of our own bindings; files that `node:fs` would read show in the kernel's count of reads.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { instrumentNative } from "../ffi/instrument.ts";
import { PAIR_CASES } from "./pair_cases.ts";

/** What the pairs of one run asked for. */
export interface WarmPathCosts {
  /** Calls by the function's name. */
  readonly calls: { readonly [symbol: string]: number };
  /** System calls that read; undefined where the kernel does not count them. */
  readonly reads: number | undefined;
}

/** A runtime reads for itself now and then (Bun's collector looks at /proc/self/statm), but not every time. */
const TRIES = 20;

const [name, pairs] = process.argv.slice(2);
let calls: Record<string, number> = {};
instrumentNative({
  before({ symbol }): void {
    calls[symbol] = (calls[symbol] ?? 0) + 1;
  },
});

const service = PAIR_CASES.find((each) => each.name.startsWith("SharedService"))!;
const prepared = await service.prepare(name);
try {
  await prepared.run(Number(pairs));
  console.log(JSON.stringify(await count(Number(pairs))));
} finally {
  await prepared.end();
}

async function count(pairs: number): Promise<WarmPathCosts> {
  const found: number[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const [idle, before] = [readsSoFar(), readsSoFar()];
    calls = {};
    await prepared.run(pairs);
    const after = readsSoFar();
    if (idle === undefined || before === undefined || after === undefined) return { calls, reads: undefined };
    // To look costs reads as well: as many as between the first two looks.
    found.push(after - before - (before - idle));
  }
  return { calls, reads: Math.min(...found) };
}

function readsSoFar(): number | undefined {
  try {
    const text = readFileSync("/proc/self/io", "utf8");
    return Number(/^syscr: (\d+)$/m.exec(text)?.[1] ?? NaN);
  } catch {
    return undefined;
  }
}

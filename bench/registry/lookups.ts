/**
 * What a registry costs in this runtime. Arguments: a domain, how many entries, a service that another process has
 * registered. The state is in `PROCREF_DIR`. Prints as JSON how long a find takes, what it asks of the system, and how
 * long a registration and its removal take.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { instrumentNative } from "../../ffi/instrument.ts";
import { ServiceRegistry } from "../../src/registry/mod.ts";
import { median } from "../statistics.ts";
import { summarise, timeSlices, type Timing } from "../timing.ts";

/** What was found. */
export interface RegistryCosts {
  /** One find of a service of another process. */
  readonly find: Timing;
  /** Native calls of 1,000 finds, by the function's name. */
  readonly calls: { readonly [symbol: string]: number };
  /** System calls that read, in 1,000 finds; undefined where the kernel does not count them. */
  readonly reads: number | undefined;
  /** One registration and one removal, in milliseconds: the median. */
  readonly changesMs: number;
  /** One list of all, in milliseconds: the median. */
  readonly listMs: number;
}

const AMOUNT = { slices: 1000, pairs: 100 };
const TIMES = 50;
/** A runtime reads for itself now and then, but not every time. */
const TRIES = 20;

const [domain, entries, other] = process.argv.slice(2);
const capacity = Number(entries);
let calls: Record<string, number> = {};
let isCounting = true;
instrumentNative({
  before({ symbol }): void {
    if (isCounting) calls[symbol] = (calls[symbol] ?? 0) + 1;
  },
});

const registry = new ServiceRegistry(domain, { capacity });
for (let index = registry.list().length; index < capacity; index++) {
  registry.registerService(`mine.${index}`, { controlChannel: `control-${index}`, metadata: { port: index } });
}
const counted = countFinds();
isCounting = false;
const find = summarise(await timeSlices(finds, AMOUNT));
const changesMs = timesOf(() => {
  registry.unregisterService(`mine.${capacity - 1}`);
  registry.registerService(`mine.${capacity - 1}`);
});
const listMs = timesOf(() => registry.list());
registry.close();
console.log(JSON.stringify({ find, ...counted, changesMs, listMs }));

function finds(times: number): void {
  for (let done = 0; done < times; done++) {
    if (registry.find(other) === undefined) throw new Error(`${other} is not found`);
  }
}

function countFinds(): Pick<RegistryCosts, "calls" | "reads"> {
  const found: number[] = [];
  let fewest: Record<string, number> | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    finds(1000);
    const [idle, before] = [readsSoFar(), readsSoFar()];
    calls = {};
    finds(1000);
    const after = readsSoFar();
    const sum = (all: Record<string, number>): number => Object.values(all).reduce((one, another) => one + another, 0);
    if (fewest === undefined || sum(calls) < sum(fewest)) fewest = { ...calls };
    if (idle !== undefined && before !== undefined && after !== undefined) found.push(after - before - (before - idle));
  }
  return { calls: fewest!, reads: found.length === 0 ? undefined : Math.min(...found) };
}

function timesOf(work: () => unknown): number {
  const times = Array.from({ length: TIMES }, () => {
    const from = performance.now();
    work();
    return performance.now() - from;
  });
  return median(times);
}

function readsSoFar(): number | undefined {
  try {
    return Number(/^syscr: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? NaN);
  } catch {
    return undefined;
  }
}

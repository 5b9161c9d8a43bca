/** Whether what a client costs grows with the number of clients. */

import process from "node:process";
import type { Child } from "../../tests/harness/child.ts";
import { openRefCounter } from "../../mod.ts";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import type { Report } from "../report.ts";
import { median, shuffled } from "../statistics.ts";
import { acquireWith, ask, gone, startClient } from "./stage.ts";

const HOLDERS = [10, 100, 500];
const SLICES = 30;
const ROUNDS = 5;
const JOINS = 15;
/** How many clients are started at one time. */
const BATCH = 10;
/** How much more than with the fewest holders is within the noise. */
const ASKED_RATIO = 1.3;

interface Cost {
  readonly holders: number;
  readonly pairNs: number;
  readonly joinMs: number;
}

/**
 * Measures one client beside 10, 100 and 500 processes that hold the service: a warm pair, and the first acquire of a
 * process that joins. The holders are stopped meanwhile.
 *
 * @param state a state directory for this alone
 */
export async function manyHolders(report: Report, state: string, name: string): Promise<void> {
  const holders: Child[] = [];
  try {
    for (const runtime of bothRuntimes) {
      report.say(`${runtime}:`);
      const costs: Cost[] = [];
      for (const count of HOLDERS) {
        await grow(holders, count, state, name);
        // They hold even so; what is measured is what they cost a client, not how they share the processors with it.
        signalAll(holders, "SIGSTOP");
        costs.push(await measure(runtime, count, state, name));
        signalAll(holders, "SIGCONT");
        const { pairNs, joinMs } = costs.at(-1)!;
        report.say(`  ${count} holders: a warm pair ${pairNs.toFixed(0)} ns, a join ${joinMs.toFixed(2)} ms`);
      }
      const [first, last] = [costs[0], costs.at(-1)!];
      report.figure(
        `${runtime}: a warm pair beside ${last.holders} holders is ${
          (last.pairNs / first.pairNs).toFixed(2)
        } x, a join ` +
          `${(last.joinMs / first.joinMs).toFixed(2)} x of that beside ${first.holders}`,
        Math.max(last.pairNs / first.pairNs, last.joinMs / first.joinMs),
        ASKED_RATIO,
        "x",
      );
      await shrink(holders, HOLDERS[0]);
    }
    using counter = await openRefCounter(name, { directory: state });
    report.promise(`the kernel counted every one of them (${counter.count()})`, counter.count() === holders.length);
    const { pid } = await acquireWith(holders[0]);
    await shrink(holders, 0);
    await gone(pid, state);
  } finally {
    await shrink(holders, 0);
  }
}

/** Starts holders until there are that many, half of them in each runtime. */
async function grow(holders: Child[], count: number, state: string, name: string): Promise<void> {
  while (holders.length < count) {
    const missing = Math.min(BATCH, count - holders.length);
    const fresh = await Promise.all(
      Array.from({ length: missing }, (_, index) => startClient(bothRuntimes[index % 2], name, state)),
    );
    holders.push(...fresh);
    await Promise.all(fresh.map(acquireWith));
  }
}

function signalAll(holders: readonly Child[], signal: "SIGSTOP" | "SIGCONT"): void {
  for (const { pid } of holders) process.kill(pid, signal);
}

/** SIGKILLs holders until that many are left. */
async function shrink(holders: Child[], count: number): Promise<void> {
  await Promise.all(holders.splice(count).map((holder) => holder[Symbol.asyncDispose]()));
}

async function measure(runtime: RuntimeName, holders: number, state: string, name: string): Promise<Cost> {
  const pairs: number[] = [];
  const joins: number[] = [];
  for (const what of shuffled([...Array(ROUNDS).fill("pairs"), ...Array(JOINS).fill("join")])) {
    await using client = await startClient(runtime, name, state);
    const { ms } = await acquireWith(client);
    if (what === "join") joins.push(ms);
    else pairs.push(await ask(client, `pairs ${SLICES}`, "pair"));
  }
  return { holders, pairNs: median(pairs), joinMs: median(joins) };
}

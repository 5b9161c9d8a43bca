/** How soon the service is gone when its last client is SIGKILLed. */

import { setTimeout as delay } from "node:timers/promises";
import { process as processes } from "../../mod.ts";
import { blockUntil } from "../../src/kernel/blocking_wait.ts";
import { ProcessWatch } from "../../src/process/process_watch.ts";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import { interrupted } from "../interruption.ts";
import type { Report } from "../report.ts";
import { quantile, shuffled } from "../statistics.ts";
import { acquireWith, gone, startClient } from "./stage.ts";

/** Rounds in each runtime. */
const ROUNDS = 100;
const ASKED_MS = 20;
/** What is asked is asked of an idle machine: not of one that still starts the client and the supervisor. */
const SETTLE_MS = 250;
const LONGEST_MS = 20_000;
/** Asks often, and leaves the processor to those that are measured in between: a loop without pauses would take one. */
const PACE = { firstPauseMs: 0.05, longestPauseMs: 0.1 };

/** When the client is killed: once all is at rest, or as soon as it has acquired. */
type Moment = "at rest" | "at once";
const MOMENTS: readonly Moment[] = ["at rest", "at once"];

/**
 * Kills the last client again and again. The program ends at once when it is asked to, so what is measured is the way of
 * the stop signal and the program's end together. A client that is killed as soon as it has acquired is found by a
 * supervisor that still loads what a service is ended by; that is told as well.
 *
 * @param state a state directory for this alone
 */
export async function crashToStop(report: Report, state: string, name: string): Promise<void> {
  const times: Record<Moment, Record<RuntimeName, number[]>> = {
    "at rest": { deno: [], bun: [] },
    "at once": { deno: [], bun: [] },
  };
  const kinds = MOMENTS.flatMap((moment) => bothRuntimes.map((runtime) => ({ moment, runtime })));
  const rounds = shuffled(kinds.flatMap((kind) => Array<typeof kind>(ROUNDS).fill(kind)));
  for (const [round, { moment, runtime }] of rounds.entries()) {
    await using client = await startClient(runtime, `${name}-${round}`, state);
    const { pid } = await acquireWith(client);
    using watch = ProcessWatch.ofPid(pid)!;
    if (moment === "at rest") await delay(SETTLE_MS, undefined, { signal: interrupted });
    const killed = performance.now();
    processes.kill(client.pid);
    if (!blockUntil(() => !watch.isAlive(), LONGEST_MS, PACE)) throw new Error(`process ${pid} has not ended`);
    times[moment][runtime].push(performance.now() - killed);
    await gone(pid, state);
  }
  const all = Object.values(times["at rest"]).flat();
  const line = (values: number[]): string =>
    [0.5, 0.9, 0.99, 1].map((share) =>
      `${share === 1 ? "max" : `p${share * 100}`} ${quantile(values, share).toFixed(1)}`
    )
      .join(", ");
  for (const moment of MOMENTS) {
    for (const runtime of bothRuntimes) report.say(`${runtime}, ${moment}: ${line(times[moment][runtime])} ms`);
  }
  report.figure(
    `SIGKILL of the last client to the end of the service, ${all.length} rounds: ${line(all)} ms`,
    quantile(all, 0.99),
    ASKED_MS,
    "ms, p99",
  );
}

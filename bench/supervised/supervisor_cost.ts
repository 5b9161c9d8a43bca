/** What a supervisor costs while it waits: memory, and how often it wakes up. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import type { Report } from "../report.ts";
import { acquireWith, gone, startClient, supervisorOf } from "./stage.ts";

const SETTLE_MS = 3000;
const WATCHED_MS = 10_000;
/** What is asked, in MiB of its own memory. */
const ASKED_MIB: { readonly [R in RuntimeName]: number } = { deno: 20, bun: 12 };

/**
 * Looks at an idle supervisor in each runtime, beside the client that holds its service and runs in the same runtime:
 * the pages of the runtime's own program are then shared, as they always are where there is a client.
 *
 * @param state a state directory for this alone
 */
export async function supervisorCost(report: Report, state: string, name: string): Promise<void> {
  for (const runtime of bothRuntimes) {
    await using client = await startClient(runtime, `${name}-${runtime}`, state);
    const { pid } = await acquireWith(client);
    const supervisor = supervisorOf(state);
    await delay(SETTLE_MS);
    const before = contextSwitches(supervisor);
    await delay(WATCHED_MS);
    const switches = contextSwitches(supervisor) - before;
    const { privateMib, residentMib } = memoryOf(supervisor);
    report.figure(
      `${runtime}: private memory ${privateMib.toFixed(1)} MiB (resident ${residentMib.toFixed(0)} MiB, mostly shared)`,
      privateMib,
      ASKED_MIB[runtime],
      "MiB",
    );
    report.promise(`${runtime}: no wake-up of any thread in ${WATCHED_MS / 1000} s (${switches})`, switches === 0);
    client.send("release");
    await client.line("released");
    await gone(pid, state);
  }
}

/** Switches of all threads, wanted or not. */
function contextSwitches(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).map((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
    return [...status.matchAll(/ctxt_switches:\s+(\d+)/g)].reduce((sum, [, number]) => sum + Number(number), 0);
  }).reduce((sum, switches) => sum + switches, 0);
}

function memoryOf(pid: number): { privateMib: number; residentMib: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(rollup)?.[1] ?? NaN);
  return { privateMib: (kib("Private_Clean") + kib("Private_Dirty")) / 1024, residentMib: kib("Rss") / 1024 };
}

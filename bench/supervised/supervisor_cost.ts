/** What a supervisor costs while it waits: memory, and how often it wakes up. */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "../../tests/harness/child.ts";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import { interrupted } from "../interruption.ts";
import type { Report } from "../report.ts";
import { median } from "../statistics.ts";
import { acquireWith, gone, startClient, supervisorOf } from "./stage.ts";

/**
 * A runtime tidies up after its start: it ends idle threads after 10 s, and collects garbage after half a minute; Bun
 * once more 15 s later, with a thread that is idle for 10 s then.
 */
const SETTLE_MS = 60_000;
/** A thread of Bun's allocator (mimalloc), which looks every half a minute for memory to give back; nothing turns it off. */
const ALLOCATORS = "mi-scavenger";
const WATCHED_MS = 10_000;
/** How many supervisors in each runtime: what wakes one of them may depend on who came when. */
const SUPERVISORS = 3;
/** What is asked, in MiB of its own memory. */
const ASKED_MIB: { readonly [R in RuntimeName]: number } = { deno: 20, bun: 12 };

/**
 * Looks at idle supervisors in each runtime, each beside the client that holds its service and runs in the same runtime:
 * the pages of the runtime's own program are then shared, as they always are where there is a client.
 *
 * @param state a state directory for this alone
 */
export async function supervisorCost(report: Report, state: string, name: string): Promise<void> {
  const held: Held[] = [];
  try {
    for (const runtime of bothRuntimes) {
      for (let number = 0; number < SUPERVISORS; number++) {
        held.push(await hold(runtime, join(state, `${runtime}-${number}`), `${name}-${number}`));
      }
    }
    await delay(SETTLE_MS, undefined, { signal: interrupted });
    const before = held.map(({ supervisor }) => contextSwitches(supervisor));
    await delay(WATCHED_MS, undefined, { signal: interrupted });
    const after = held.map(({ supervisor }) => contextSwitches(supervisor));
    for (const runtime of bothRuntimes) {
      const own = [...held.keys()].filter((index) => held[index].runtime === runtime);
      reportMemory(report, runtime, own.map((index) => memoryOf(held[index].supervisor)));
      const ours = own.map((index) => after[index].ours - before[index].ours);
      const allocators = own.map((index) => after[index].allocators - before[index].allocators);
      report.promise(
        `${runtime}: no wake-up of any thread of ${SUPERVISORS} supervisors in ${WATCHED_MS / 1000} s ` +
          `(${ours.join(", ")}), but of the allocator's own (${allocators.join(", ")})`,
        ours.every((switches) => switches === 0),
      );
    }
  } finally {
    for (const { client, pid, state } of held) {
      await client[Symbol.asyncDispose]();
      await gone(pid, state);
    }
  }
}

interface Held {
  readonly runtime: RuntimeName;
  readonly client: Child;
  readonly pid: number;
  readonly supervisor: number;
  readonly state: string;
}

interface Memory {
  readonly privateMib: number;
  readonly residentMib: number;
}

function reportMemory(report: Report, runtime: RuntimeName, memories: readonly Memory[]): void {
  const most = Math.max(...memories.map(({ privateMib }) => privateMib));
  const resident = median(memories.map(({ residentMib }) => residentMib));
  report.figure(
    `${runtime}: private memory at most ${most.toFixed(1)} MiB (resident ${resident.toFixed(0)} MiB, mostly shared)`,
    most,
    ASKED_MIB[runtime],
    "MiB",
  );
}

async function hold(runtime: RuntimeName, state: string, name: string): Promise<Held> {
  mkdirSync(state, { mode: 0o700 });
  const client = await startClient(runtime, name, state);
  const { pid } = await acquireWith(client);
  return { runtime, client, pid, supervisor: supervisorOf(state), state };
}

/** Switches of all threads, wanted or not; those of a thread that has ended are missing. */
function contextSwitches(pid: number): { readonly ours: number; readonly allocators: number } {
  let [ours, allocators] = [0, 0];
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
    const switches = [...status.matchAll(/ctxt_switches:\s+(\d+)/g)].reduce(
      (sum, [, number]) => sum + Number(number),
      0,
    );
    if (status.includes(`Name:\t${ALLOCATORS}\n`)) allocators += switches;
    else ours += switches;
  }
  return { ours, allocators };
}

function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(rollup)?.[1] ?? NaN);
  return { privateMib: (kib("Private_Clean") + kib("Private_Dirty")) / 1024, residentMib: kib("Rss") / 1024 };
}

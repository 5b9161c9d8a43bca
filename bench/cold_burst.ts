/** Many clients of both runtimes start at once, all cold, and share one service. */

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { openRefCounter, process as processes } from "../mod.ts";
import { Child } from "../tests/harness/child.ts";
import { bothRuntimes } from "../tests/harness/runtime.ts";
import { readEntries } from "./burst_log.ts";
import { interrupted } from "./interruption.ts";
import { removeSets, setExists } from "./kernel_sets.ts";
import type { Report } from "./report.ts";
import { shuffled } from "./statistics.ts";

const CLIENTS_OF_EACH = 50;
const LONGEST_MS = 120_000;
const STOP_MS = 5000;
const CLIENT = new URL("burst_client.ts", import.meta.url).href;

/** Where one burst happens. */
interface Place {
  readonly name: string;
  /** The state directory. */
  readonly state: string;
  readonly log: string;
}

/** What was seen of a burst. */
interface Burst {
  /** What each client's handle says of the service's process. */
  readonly pids: readonly number[];
  /** What the kernel counted while all held. */
  readonly held: number;
  readonly aliveWhileHeld: boolean;
  /** From before the first was spawned until the last had acquired. */
  readonly acquiredMs: number;
  /** From when the first was told until the last had ended. */
  readonly releasedMs: number;
  readonly exitCodes: readonly (number | null)[];
  /** What the clients wrote to standard error. */
  readonly complaints: string;
}

/**
 * Runs a burst, and reports what was promised of it.
 *
 * @param temporary an empty directory, for the log and the state
 * @param name the service's name
 */
export async function coldBurst(report: Report, temporary: string, name: string): Promise<void> {
  const place = { name, state: join(temporary, "state"), log: join(temporary, "log") };
  mkdirSync(place.state, { mode: 0o700 });
  const clients: Child[] = [];
  try {
    const burst = await within(LONGEST_MS, runBurst(place, clients), interrupted);
    reportCallbacks(report, place, burst);
    reportEnd(report, place, burst);
  } catch (error) {
    report.promise(`the burst comes to its end: ${(error as Error).message}`, false);
  } finally {
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await cleanUp(place);
  }
}

async function runBurst({ name, state, log }: Place, clients: Child[]): Promise<Burst> {
  const runtimes = shuffled(bothRuntimes.flatMap((runtime) => Array<typeof runtime>(CLIENTS_OF_EACH).fill(runtime)));
  const started = performance.now();
  for (const runtime of runtimes) {
    clients.push(new Child(CLIENT, { runtime, args: [name, log], env: { PROCREF_DIR: state } }));
  }
  const pids = (await Promise.all(clients.map((client) => client.line("acquired ")))).map(Number);
  const acquired = performance.now();

  using counter = await openRefCounter(name, { directory: state });
  const held = counter.count();
  const aliveWhileHeld = processes.isAlive(pids[0]);

  const told = performance.now();
  for (const client of clients) client.send("release");
  const exits = await Promise.all(clients.map((client) => client.exited));
  return {
    pids,
    held,
    aliveWhileHeld,
    acquiredMs: acquired - started,
    releasedMs: performance.now() - told,
    exitCodes: exits.map(({ code }) => code),
    complaints: clients.map((client) => client.errors).join(""),
  };
}

function reportCallbacks(report: Report, { log }: Place, burst: Burst): void {
  const { pids, held, acquiredMs, releasedMs } = burst;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  report.say(
    `from the first spawn to the last acquired ${seconds(acquiredMs)}, from the word to release to the last ` +
      `end ${seconds(releasedMs)}`,
  );
  const entries = readEntries(log);
  const runs = (callback: string): number => entries.filter((entry) => entry.callback === callback).length;
  report.promise(`onFirstAcquire ran once (${runs("onFirstAcquire")})`, runs("onFirstAcquire") === 1);
  report.promise(`onLastRelease ran once (${runs("onLastRelease")})`, runs("onLastRelease") === 1);
  const seen = new Set([...pids, ...entries.map(({ service }) => service.pid)]);
  report.promise(`every handle is of one process, the one started (${[...seen].join(", ")})`, seen.size === 1);
  report.promise(`while all held, the kernel counted ${pids.length} (${held})`, held === pids.length);
  report.promise("while all held, the service ran", burst.aliveWhileHeld);
}

function reportEnd(report: Report, place: Place, { exitCodes, complaints }: Burst): void {
  const failed = exitCodes.filter((code) => code !== 0).length;
  report.promise(`every client ended well${failed > 0 ? `; not so: ${failed}` : ""}`, failed === 0);
  report.promise(`no client complained${complaints && `: ${complaints.trim()}`}`, complaints === "");
  const alive = readEntries(place.log).filter(({ service }) => processes.isAlive(service));
  report.promise("the service is gone", alive.length === 0);
  report.promise("its semaphore set is gone", !setExists(place.name, place.state));
  const files = readdirSync(place.state);
  report.promise(`its record is gone${files.length > 0 ? `: ${files.join(", ")}` : ""}`, files.length === 0);
}

/** After a burst that went wrong: ends what it started, by identity. */
async function cleanUp({ name, state, log }: Place): Promise<void> {
  for (const { service } of readEntries(log)) await processes.stop(service, STOP_MS);
  removeSets(name, state);
}

async function within<T>(ms: number, work: Promise<T>, signal: AbortSignal): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${ms / 1000} s`)), ms);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
  }
}

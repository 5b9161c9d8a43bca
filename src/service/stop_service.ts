/**
 * Stopping a service from outside its clients: for `procref stop`.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { ProcrefError } from "../errors.ts";
import { stopWithGroup } from "../process/group.ts";
import { isAlive, type ProcessIdentity } from "../process/identity.ts";
import { endMarked } from "../process/marks.ts";
import { type StopOutcome, terminate } from "../process/stop.ts";
import { until } from "../waiting.ts";
import { type CatalogEntry, giveBack, readRecord, type ServiceStatus } from "./catalog.ts";
import type { ServiceRecord } from "./record.ts";
import { removeLog } from "./log_files.ts";

/** How long holders may take to count themselves again, in milliseconds. */
const RECOUNT_MS = 3000;

/** How to stop a service. */
export interface StopServiceOptions {
  /** Stop it even while it is held. */
  readonly force: boolean;
  /** How long the process of a service of callbacks may take to end by itself, in milliseconds; SIGKILL follows. */
  readonly stopTimeoutMs: number;
  /** How long to wait for others, in milliseconds: for a supervisor, or for who is starting or stopping the service. */
  readonly waitMs: number;
}

/** What became of a service that was to be stopped. */
export interface StoppedService {
  /** The service as it was before. */
  readonly status: ServiceStatus;
  /** `held`: it was left alone, because it is held; `not-running`: there was nothing to stop. */
  readonly outcome: "stopped" | "held" | "not-running";
  /** What became of its process, where it was stopped from here. */
  readonly process?: StopOutcome;
}

/**
 * Stops a service that nobody holds, or any service by force.
 *
 * @param entry the service
 * @param options `force`, and how long things may take
 * @throws ProcrefError `DOMAIN_MISMATCH`; `TIMEOUT` when others have the gate, or a supervisor does not stop it;
 * `SERVICE_STOP` when it cannot be stopped; those of counter and record
 */
export async function stopService(entry: CatalogEntry, options: StopServiceOptions): Promise<StoppedService> {
  const { counter, store } = entry;
  const status = entry.look();
  if (status.state === "elsewhere") throw status.problem!;
  if (!isThere(status)) return { status, outcome: "not-running" };
  // Whose supervisor has failed has no service any more, whoever holds it.
  if (status.state === "failed" && status.references > 0) return { status, outcome: "not-running" };
  if (status.references > 0 && !options.force) return { status, outcome: "held" };

  if (!options.force && await isHeldAfterAll(entry, status)) return { status: entry.look(), outcome: "held" };
  if (options.force) await counter.lock({ timeoutMs: options.waitMs });
  else if (!counter.tryLockIfUnused()) return { status: entry.look(), outcome: "held" };
  let supervisor: ProcessIdentity | undefined;
  try {
    const { record } = readRecord(store);
    if (record === undefined) return { status, outcome: "not-running" };
    supervisor = record.supervisor;
    if (supervisor === undefined || !isAlive(supervisor)) {
      const process = await stopFromHere(entry, record, options.stopTimeoutMs);
      return { status, outcome: "stopped", process };
    }
    // With the gate, so that nobody takes a reference between the look at them and this.
    terminate(supervisor);
  } finally {
    giveBack(counter);
  }
  await awaitSupervisor(entry, supervisor, options.waitMs);
  return { status, outcome: "stopped" };
}

/** Whether there is anything to stop. */
function isThere({ state, locked, seated }: ServiceStatus): boolean {
  return ["running", "starting", "stopping"].includes(state) || locked || seated;
}

/**
 * Whether holders turn up that were not counted: those of a service that was published in a counter that a stranger
 * removed count themselves again within a while.
 */
async function isHeldAfterAll({ counter }: CatalogEntry, { state, generation }: ServiceStatus): Promise<boolean> {
  if (state !== "running" || counter.snapshot().generation === generation) return false;
  await delay(RECOUNT_MS);
  return counter.count() > 0;
}

/** Under the gate, with no supervisor alive: stops the service and leaves nothing but the references. */
async function stopFromHere(entry: CatalogEntry, record: ServiceRecord, timeoutMs: number): Promise<StopOutcome> {
  const { counter, store, object } = entry;
  const { info, marks = [] } = record;
  const generation = counter.advanceGeneration(false);
  // Whoever comes after our death in the middle stops what is left.
  store.write({ ...record, phase: "STOP", generation });
  const outcome = info?.identity === undefined ? "not-running" : await stopWithGroup(info.identity, timeoutMs);
  await endMarked(marks);
  if (outcome === "still-running") {
    throw new ProcrefError("SERVICE_STOP", `Cannot stop "${object.name}": process ${info!.pid} cannot be killed`, {
      details: { name: object.name, pid: info!.pid },
    });
  }
  if (counter.holdsLock()) {
    removeLog(store.directory);
    store.remove();
    counter.remove();
  }
  return outcome;
}

/** Waits until a supervisor that was asked to end has gone, or at least its service: it stays while others hold references. */
async function awaitSupervisor(
  { store, counter, object }: CatalogEntry,
  supervisor: ProcessIdentity,
  timeoutMs: number,
): Promise<void> {
  const done = (): boolean => {
    const { record } = readRecord(store);
    return record === undefined || !isAlive(supervisor) || (record.phase === "FAIL" && counter.count() > 0);
  };
  await until(done, { timeoutMs }, () =>
    `stop "${object.name}", because its supervisor, process ${supervisor.pid}, ` +
    "does not end it");
}

/**
 * Stopping a service from outside its clients: for `procref stop`.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { stop, type StopOutcome } from "../process/stop.ts";
import { type CatalogEntry, readRecord, type ServiceStatus } from "./catalog.ts";
import type { ServiceRecord } from "./record.ts";

/** How to stop a service. */
export interface StopServiceOptions {
  /** Stop it even while it is held. */
  readonly force: boolean;
  /** How long its process may take to end by itself, in milliseconds; SIGKILL follows. */
  readonly stopTimeoutMs: number;
  /** How long to wait for others who are starting or stopping it, in milliseconds. */
  readonly lockTimeoutMs: number;
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
 * @throws ProcrefError `DOMAIN_MISMATCH`; `TIMEOUT` when others have the gate; `SERVICE_STOP` when it cannot be
 * stopped; those of counter and record
 */
export async function stopService(entry: CatalogEntry, options: StopServiceOptions): Promise<StoppedService> {
  const status = entry.look();
  if (status.state === "elsewhere") throw status.problem!;
  if (!isThere(status)) return { status, outcome: "not-running" };
  if (status.references > 0 && !options.force) return { status, outcome: "held" };
  return await stopUnderGate(entry, status, options);
}

/** Whether there is anything to stop. */
function isThere({ state, locked, seated }: ServiceStatus): boolean {
  return ["running", "starting", "stopping"].includes(state) || locked || seated;
}

async function stopUnderGate(
  entry: CatalogEntry,
  status: ServiceStatus,
  { force, stopTimeoutMs, lockTimeoutMs }: StopServiceOptions,
): Promise<StoppedService> {
  const { counter, store } = entry;
  const wait = { timeoutMs: lockTimeoutMs };
  if (force) await counter.lock(wait);
  else if (!counter.tryLockIfUnused()) return { status: entry.look(), outcome: "held" };
  let left = false;
  try {
    const { record } = readRecord(store);
    if (record?.info === undefined) return { status, outcome: "not-running" };
    const outcome = await stopProcess(entry, record, stopTimeoutMs);
    if (counter.holdsLock()) {
      store.remove();
      left = true;
      counter.remove();
    }
    return { status, outcome: "stopped", process: outcome };
  } finally {
    if (!left) counter.unlock();
  }
}

async function stopProcess(entry: CatalogEntry, record: ServiceRecord, timeoutMs: number): Promise<StopOutcome> {
  const { counter, store, object } = entry;
  const { info } = record;
  const generation = counter.advanceGeneration(false);
  // Whoever comes after our death in the middle stops what is left.
  store.write({ ...record, phase: "STOP", generation });
  if (info?.identity === undefined) return "not-running";
  const outcome = await stop(info.identity, timeoutMs);
  if (outcome !== "still-running") return outcome;
  throw new ProcrefError("SERVICE_STOP", `Cannot stop "${object.name}": process ${info.pid} cannot be killed`, {
    details: { name: object.name, pid: info.pid },
  });
}

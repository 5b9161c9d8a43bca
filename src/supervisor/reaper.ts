/**
 * The reaper of a service that callbacks bring up: it waits inside the kernel until the last client is gone, and stops
 * what is left if that client did not.
 *
 * @module
 */

import type { RefCounter } from "../kernel/ref_counter.ts";
import { stopWithGroup } from "../process/group.ts";
import { formatIdentity, ownIdentity } from "../process/identity.ts";
import { SETTLE_MS } from "../service/mode.ts";
import type { ServiceRecord } from "../service/record.ts";
import { IN_OFFICE, SEAT_TAKEN, type SupervisorOrders } from "../service/supervisor_orders.ts";
import { isProcrefError } from "../errors.ts";
import { delay, until } from "../waiting.ts";
import type { Office, Report } from "./office.ts";

/** How long to wait for a seat whose holder may be on its way out, in milliseconds. */
const SEAT_MS = 1000;

/**
 * Waits until the service is unused, then clears up. It ends when the clients have cleared up themselves.
 *
 * When it is killed, the kernel frees its seat, and the next client that looks starts another one.
 *
 * @param report is told once it has the seat, or that another one has
 * @throws ProcrefError those of the counter
 */
export async function reap({ stopTimeoutMs }: SupervisorOrders, office: Office, report: Report): Promise<void> {
  if (!await sit(office)) return report(SEAT_TAKEN);
  report(`${IN_OFFICE} ${formatIdentity(ownIdentity())}`);
  while (!await endedWhenUnused(office, stopTimeoutMs));
}

async function sit({ counter }: Office): Promise<boolean> {
  try {
    await until(() => counter.trySeat(), { timeoutMs: SEAT_MS }, () => "take the seat");
    return true;
  } catch (error) {
    if (isProcrefError(error, "TIMEOUT")) return false;
    throw error;
  }
}

/** Waits until nobody is left and clears up; false when there is still somebody to wait for. */
async function endedWhenUnused(office: Office, stopTimeoutMs: number): Promise<boolean> {
  const { counter } = office;
  if (!await counter.blockUntilUnused()) {
    // The last client removed the kernel object with everything else; or a stranger did, and the holders count again.
    const { info } = readAnyway(office) ?? {};
    if (info === undefined || !info.isAlive() || !counter.trySeat()) return true;
    await delay(SETTLE_MS);
    return false;
  }
  const record = readAnyway(office);
  if (record?.phase === "READY" && record.generation !== counter.snapshot().generation) {
    // Published in a counter that a stranger removed: its holders may still have to count themselves in this one.
    counter.unlock();
    await delay(SETTLE_MS);
    if (!counter.tryLockIfUnused()) return false;
  }
  try {
    await clearUp(office, record, stopTimeoutMs);
  } finally {
    leave(counter);
  }
  return true;
}

/**
 * With the gate: leaves everything. The seat goes first: where the counter stays (another user made it), whoever comes
 * in by the open gate would take for a reaper what is about to end.
 */
function leave(counter: RefCounter): void {
  if (counter.holdsSeat()) counter.leaveSeat();
  counter.remove();
}

/** With the gate and nobody left: stops the process and removes the record, unless it belongs to somebody else. */
async function clearUp(
  { counter, store }: Office,
  record: ServiceRecord | undefined,
  timeoutMs: number,
): Promise<void> {
  if (record?.supervisor !== undefined) return;
  const { info } = record ?? {};
  if (info?.identity !== undefined && info.isAlive()) {
    store.writeStop({ generation: counter.advanceGeneration(false), info }, () => {});
    // One that cannot be ended stays on record for the next client.
    if (await stopWithGroup(info.identity, timeoutMs) === "still-running") return;
  }
  store.remove();
}

/** The record; one that this process may not use (another container's) is as good as none. */
function readAnyway({ store }: Office): ServiceRecord | undefined {
  try {
    return store.read(() => {});
  } catch {
    return undefined;
  }
}

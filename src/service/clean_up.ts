/**
 * Removing what nobody holds any more and nobody will clean up: for `procref gc`. Nothing is touched that is held, or
 * that somebody starts, stops or supervises; to be sure of that, gate and seat are taken first.
 *
 * @module
 */

import { isProcrefError } from "../errors.ts";
import type { User } from "../kernel/object_name.ts";
import { attempting } from "../kernel/attempting.ts";
import { isAlive } from "../process/identity.ts";
import { endMarked } from "../process/marks.ts";
import { type CatalogEntry, giveBack, type Reading, readRecord, type ServiceStatus } from "./catalog.ts";
import { pruneHints } from "./holders.ts";
import { removeLog } from "./log_files.ts";

/** What became of a service's leftovers. */
export interface CleanUp {
  /** The service as it was before. */
  readonly status: ServiceStatus;
  /** Whether it was removed, or would be. */
  readonly removed: boolean;
  /** Why it was removed, or why it was kept. */
  readonly reason: string;
  /** Whether it should have been removed and could not be. */
  readonly failed: boolean;
  /** How many hints of dead clients were removed, or would be. */
  readonly hints: number;
}

/**
 * Removes a service's directory and kernel object if nobody needs them.
 *
 * @param entry the service
 * @param options `uid`: the effective user; `dryRun`: decide, and touch nothing
 * @returns what was done and why; an error of ours is a reason as well
 */
export async function cleanUp(entry: CatalogEntry, options: { uid: User; dryRun: boolean }): Promise<CleanUp> {
  const status = entry.look();
  const busy = whoNeedsIt(status);
  const reading = readRecord(entry.store);
  const kept = busy ?? whatRuns(reading);
  if (kept !== undefined) {
    const mine = status.state !== "elsewhere" && status.scope === "user";
    const hints = mine ? pruneHints(status.directory, options.uid, options.dryRun) : 0;
    return { status, removed: false, reason: kept, failed: false, hints };
  }
  const reason = whyItGoes(status);
  if (options.dryRun) return { status, removed: true, reason, failed: false, hints: 0 };
  try {
    const changed = await removeUnused(entry);
    return { status, removed: changed === undefined, reason: changed ?? reason, failed: false, hints: 0 };
  } catch (error) {
    if (!isProcrefError(error)) throw error;
    return { status, removed: false, reason: error.message, failed: true, hints: 0 };
  }
}

/** With gate and seat, so that nobody comes or goes meanwhile; gives the reason why it was kept after all. */
async function removeUnused({ counter, store }: CatalogEntry): Promise<string | undefined> {
  if (!counter.tryLockIfUnused()) return "it came into use";
  let removed = false;
  try {
    if (!counter.trySeat()) return "a supervisor took office";
    const reading = readRecord(store);
    const runs = reading.problem?.code === "DOMAIN_MISMATCH" ? reading.problem.message : whatRuns(reading);
    if (runs !== undefined) return runs;
    await endMarked(reading.record?.marks ?? []);
    if (!counter.holdsLock()) return "its kernel object was removed by somebody";
    attempting(`remove the log in ${store.directory}`, store.directory, () => removeLog(store.directory));
    store.remove();
    removed = counter.remove();
    return undefined;
  } finally {
    if (!removed) giveBack(counter);
  }
}

/** Who needs a service now, as far as the kernel knows; undefined for nobody. */
function whoNeedsIt({ state, problem, references, locked, seated }: ServiceStatus): string | undefined {
  if (state === "elsewhere") return "it belongs to another container";
  if (problem !== undefined && problem.code !== "SERVICE_INFO") return problem.message;
  if (references > 0) return references === 1 ? "1 reference is held" : `${references} references are held`;
  if (locked) return "somebody is starting, stopping or cleaning it";
  return seated ? "its supervisor is in office" : undefined;
}

/** What still runs of an unused service and is not ours to end. */
function whatRuns({ record }: Reading): string | undefined {
  if (record === undefined) return undefined;
  const { info, supervisor } = record;
  if (supervisor !== undefined) {
    // What a dead supervisor has left is known by its marks, and is nobody's.
    return isAlive(supervisor) ? `its supervisor, process ${supervisor.pid}, runs` : undefined;
  }
  if (info === undefined || !info.isAlive()) return undefined;
  if (info.pid === undefined) return "it is no process, so nothing tells whether it runs; `procref stop` forgets it";
  return `process ${info.pid} runs, the next client adopts it; \`procref stop\` ends it`;
}

function whyItGoes({ state, info, supervisor }: ServiceStatus): string {
  if (supervisor !== undefined && info?.isAlive()) return `its supervisor is dead, and nobody holds it`;
  switch (state) {
    case "stale":
      return "its record is of an earlier boot";
    case "unknown":
      return "it has no record that can be used, and nobody holds it";
    case "failed":
      return "it failed, and nobody holds it";
    default:
      return "its process has ended, and nobody holds it";
  }
}

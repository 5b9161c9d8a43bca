/**
 * Removing what killed processes have left of the semaphores that `procref lock` and `procref sem` use: for
 * `procref gc`. Semaphores that are files elsewhere are their users' own business.
 *
 * @module
 */

import { cleanUpFiles, type FileCleanUp, type FileKind } from "../kernel/file_clean_up.ts";
import type { User } from "../kernel/object_name.ts";
import { StateFile } from "../kernel/state_file.ts";
import { endOf } from "./queue.ts";
import { SEMAPHORE_FORMAT } from "./state.ts";

/** What the file of a semaphore in the state directory ends with. */
export const SEMAPHORE_ENDING = ".sem";

const SEMAPHORES: FileKind = {
  kind: "semaphore",
  ending: SEMAPHORE_ENDING,
  lockEnding: `${SEMAPHORE_ENDING}.lock`,
  otherEndings: [`${SEMAPHORE_ENDING}.tmp`],
  whenLocked: "somebody is acquiring or releasing the semaphore",
  whenUnused: "nobody holds the semaphore or waits for it",
  whoUses,
};

/**
 * Removes the semaphores of a state directory that nobody holds or waits for. What cannot be known counts for a holder:
 * a process of another machine or container, or a holder that another program has written.
 *
 * @param directory the state directory
 * @param options `user`: the effective user; `dryRun`: decide, and touch nothing
 * @returns one for each semaphore, by its file name
 * @throws ProcrefError `IO`, `PERMISSION`
 */
export function cleanUpSemaphores(directory: string, options: { user: User; dryRun: boolean }): FileCleanUp[] {
  return cleanUpFiles(directory, SEMAPHORES, options);
}

function whoUses(path: string): string | undefined {
  using file = new StateFile(path, SEMAPHORE_FORMAT);
  const { holders = [], waiting = [] } = file.read() ?? {};
  const now = Date.now();
  const held = holders.filter((holder) => endOf(holder, now) === undefined).length;
  if (held > 0) return held === 1 ? "1 permit is held" : `${held} permits are held`;
  const awaited = waiting.filter((waiter) => endOf(waiter, now) === undefined).length;
  if (awaited === 0) return undefined;
  return awaited === 1 ? "1 process waits for a permit" : `${awaited} processes wait for a permit`;
}

/**
 * Changing files that somebody else may have open at that moment, where the system minds (Windows): it is tried again
 * for a while.
 *
 * @module
 */

import { blockFor } from "./blocking_wait.ts";
import type { User } from "./object_name.ts";

/**
 * What Windows says of a file that another process has open; one that was removed is there until they close it, and its
 * directory is not empty.
 */
const BUSY: readonly (string | undefined)[] = ["EPERM", "EACCES", "EBUSY", "EEXIST", "ENOTEMPTY"];
/** For how long it is tried: readers have a file open for less than a millisecond, looks for viruses for longer. */
const LIMIT_MS = 2000;
const PAUSE_MS = 2;

/**
 * Does something with a file, again and again for up to two seconds while it fails because the file is in use. It
 * blocks meanwhile.
 *
 * @param user only for a user without a number, who is one of Windows, anything is tried twice
 * @throws what the last try threw
 */
export function persistently<T>(user: User, work: () => T): T {
  if (typeof user === "number") return work();
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!BUSY.includes((error as NodeJS.ErrnoException).code) || performance.now() >= deadline) throw error;
      blockFor(PAUSE_MS);
    }
  }
}

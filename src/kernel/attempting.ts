/**
 * What goes wrong with files, in words of ours.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";

/**
 * Does something with files and turns what the runtime throws into an error of ours.
 *
 * @param doing what is tried, as it follows "Cannot"
 * @throws ProcrefError `PERMISSION` when the runtime does not allow it, else `IO`; one of ours passes through
 */
export function attempting<T>(doing: string, path: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ProcrefError) throw cause;
    const { name, message, code } = cause as NodeJS.ErrnoException;
    // What the system denies has the name of an error number.
    const refused = name === "NotCapable" || (name === "PermissionDenied" && code === undefined);
    throw new ProcrefError(refused ? "PERMISSION" : "IO", `Cannot ${doing}: ${message}`, {
      cause,
      details: path === undefined ? {} : { path },
    });
  }
}

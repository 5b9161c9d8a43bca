/**
 * Who this process is, with native calls or without.
 *
 * @module
 */

import process from "node:process";
import { type Libc, libc } from "../../ffi/libc.ts";
import { isProcrefError, ProcrefError } from "../errors.ts";

/**
 * The C library, or undefined where the runtime does not allow native calls.
 *
 * @throws ProcrefError `PLATFORM`, `LIBRARY`
 */
export function allowedLibc(): Libc | undefined {
  try {
    return libc();
  } catch (error) {
    if (isProcrefError(error, "PERMISSION")) return undefined;
    throw error;
  }
}

/**
 * The effective user.
 *
 * @throws ProcrefError `PERMISSION` when neither native calls nor the question are allowed; `PLATFORM`, `LIBRARY`
 */
export function effectiveUser(): number {
  const native = allowedLibc();
  if (native !== undefined) return native.geteuid();
  try {
    return process.geteuid!();
  } catch (cause) {
    throw new ProcrefError(
      "PERMISSION",
      `Cannot find out who the user is: ${
        (cause as Error).message
      }; allow native calls (in Deno --allow-ffi), or the ` +
        "question (--allow-sys=uid,statfs)",
      { cause },
    );
  }
}

/**
 * Who this process is, with native calls or without.
 *
 * @module
 */

import process from "node:process";
import { type Libc, libc } from "../../ffi/libc.ts";
import { isWindows, windows } from "../../ffi/windows.ts";
import { isProcrefError, ProcrefError } from "../errors.ts";
import type { User } from "./object_name.ts";

/**
 * The C library, or undefined where the runtime does not allow native calls or this machine's is not known.
 *
 * @throws ProcrefError `LIBRARY`
 */
export function allowedLibc(): Libc | undefined {
  try {
    return libc();
  } catch (error) {
    if (isProcrefError(error, "PERMISSION") || isProcrefError(error, "PLATFORM")) return undefined;
    throw error;
  }
}

/**
 * The user of this process, as an identity that no other user has: the effective user's number, or on Windows a text of
 * user and session, for the kernel objects of a session are seen in that session only.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function currentUser(): User {
  return isWindows() ? windows().user() : effectiveUser();
}

/**
 * The effective user.
 *
 * @throws ProcrefError `PERMISSION` when neither native calls nor the question are allowed; `PLATFORM`, `LIBRARY`
 */
export function effectiveUser(): number {
  const native = allowedLibc();
  if (native !== undefined) return native.geteuid();
  if (process.geteuid === undefined) {
    throw new ProcrefError("PLATFORM", "Cannot tell users apart here: this system has no numbers for them");
  }
  try {
    return process.geteuid();
  } catch {
    throw neither();
  }
}

/** The error of the native calls, with what would do instead of them. */
function neither(): ProcrefError {
  try {
    libc();
  } catch (cause) {
    const { code, message, details } = cause as ProcrefError;
    const instead =
      "; or let files be locked, with --allow-sys=uid,statfs and read and write access to the state directory";
    return new ProcrefError(code, `${message}${instead}`, { cause, details });
  }
  return new ProcrefError("PERMISSION", "Cannot find out who the user is: it is allowed by now, so try again");
}

/**
 * Whether a file can be run as a program.
 *
 * @module
 */

import { libc } from "../../../ffi/libc.ts";

/** X_OK and F_OK of access(2): may it be executed, is it there? */
const X_OK = 1;
const F_OK = 0;

/** Whether the file of a path can be run by this user. */
export function canRun(path: string): boolean | "denied" {
  const result = access(path, X_OK);
  // A directory is executable and yet no program: only of a directory one can ask for ".".
  if (result === 0) return access(`${path}/.`, F_OK) === 0 ? "denied" : true;
  return result === -libc().errors.EACCES ? "denied" : false;
}

function access(path: string, mode: number): number {
  return libc().access(new TextEncoder().encode(`${path}\0`), mode);
}

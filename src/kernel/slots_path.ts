/**
 * Where the lock files of a name are, without all that works with them.
 *
 * @module
 */

import type { Libc } from "../../ffi/libc.ts";
import { join } from "../paths.ts";
import type { ObjectName } from "./object_name.ts";

/** What the name of a directory of lock files ends with. */
export const SLOTS = ".slots";
/** The first file that is made and the last one that is removed. */
export const MUTEX = "mutex";
/** F_OK of access(2). */
const EXISTS = 0;

/** The path of a name's lock files in a state directory, which nothing of may exist. */
export function slotsIn(state: string, { fileName }: ObjectName): string {
  return join(state, `${fileName}${SLOTS}`);
}

/** Whether there is something at a path of Unix; the kernel is asked, and no runtime. */
export function isThere(libc: Libc, path: string): boolean {
  return libc.access(new TextEncoder().encode(`${path}\0`), EXISTS) === 0;
}

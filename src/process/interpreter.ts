/**
 * Programs that only a shell would run.
 *
 * @module
 */

import { closeSync, openSync, readSync } from "node:fs";

/** How much of a file is looked at: every format of programs has a zero byte in so many. */
const HEAD_SIZE = 128;

/**
 * Whether a file is a text that names no interpreter (`#!`). The kernel does not execute it, but the C library does what
 * execvp(3) says in its place for some runtimes: it gives the file to a shell.
 *
 * @returns false also for a file that cannot be read
 */
export function wantsShell(path: string): boolean {
  try {
    const descriptor = openSync(path, "r");
    try {
      const head = new Uint8Array(HEAD_SIZE);
      const bytes = head.subarray(0, readSync(descriptor, head, 0, HEAD_SIZE, 0));
      const names = bytes[0] === 0x23 && bytes[1] === 0x21;
      return !names && !bytes.includes(0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // It may be executed and not be read, or the runtime does not let us.
    return false;
  }
}

/**
 * Programs that only a shell would run.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { isAbsolute } from "../paths.ts";
import { findProgram } from "./programs.ts";
import type { ProgramPlace } from "./unstarted_program.ts";

/** How much of a file is looked at: every format of programs has a zero byte in so many. */
const HEAD_SIZE = 128;

/** What such a program is, for a message: it follows "is". */
export const NO_INTERPRETER = "a text that names no interpreter (#!)";

/**
 * Whether a file is a text that names no interpreter (`#!`). The kernel does not execute it, but the C library does what
 * execvp(3) says in its place for some runtimes: it gives the file to a shell.
 *
 * @returns false also for a file that cannot be read
 */
export function wantsShell(path: string): boolean {
  try {
    const head = host().files.head(path, HEAD_SIZE);
    if (head === undefined) return false;
    const names = head[0] === 0x23 && head[1] === 0x21;
    return !names && !head.includes(0);
  } catch {
    // It may be executed and not be read, or the runtime does not let us.
    return false;
  }
}

/**
 * Whether a program that is looked for as the system does is such a text.
 *
 * @param program its name or path
 * @param place where it is looked for
 */
export function isForShell(program: string, { path, cwd }: ProgramPlace): boolean {
  // To look for it takes longer than to read it, where no native calls are allowed.
  if (isAbsolute(program) && !wantsShell(program)) return false;
  const search = findProgram(program, path, cwd);
  return "found" in search && wantsShell(search.found);
}

/**
 * Why a program could not be started, as shells say it by an exit status.
 *
 * @module
 */

import { findProgram } from "./programs.ts";

/** Where a program was looked for. */
export interface ProgramPlace {
  /** The PATH; the system's usual one unless given. */
  readonly path?: string;
  /** The working directory of relative paths. */
  readonly cwd?: string;
}

/**
 * The status that shells have for a program that cannot be started. On Windows, Deno gives no code of an error, and Bun
 * one alone for a program that is not there and a file that is none.
 *
 * @param program its name or path
 * @param place where it was looked for
 * @param code the name of the error number, where the runtime gave one
 * @returns 126 for one that cannot be executed, 127 for one that is not found, undefined when it is neither
 */
export function statusOfUnstarted(program: string, { path, cwd }: ProgramPlace, code?: string): number | undefined {
  if (code === "EACCES") return 126;
  const search = findProgram(program, path, cwd);
  if ("missing" in search) return search.missing === "not executable" ? 126 : 127;
  return code === "ENOENT" ? 127 : undefined;
}

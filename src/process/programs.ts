/**
 * Looking programs up as the system does.
 *
 * @module
 */

import { delimiter, isAbsolute, join, resolve } from "node:path";
import { LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { libc } from "../../ffi/libc.ts";
import { readProcLink } from "./proc_files.ts";

/** X_OK of access(2): may it be executed? */
const X_OK = 1;
/** Where the system looks without a PATH; see execvp(3). */
const USUAL_PATH = "/bin:/usr/bin";

/** What became of the search for a program. */
export type ProgramSearch =
  | { readonly found: string }
  | { readonly missing: "not found" | "not executable" };

/**
 * Finds the file of a program: a name without a slash in the directories of the PATH, anything else from the working
 * directory.
 *
 * @param program the name or path
 * @param path the PATH; the system's usual one unless given
 * @param cwd the working directory of relative paths
 */
export function findProgram(program: string, path: string = USUAL_PATH, cwd: string = "/"): ProgramSearch {
  const places = program.includes("/")
    ? [isAbsolute(program) ? program : resolve(cwd, program)]
    : path.split(delimiter).map((directory) =>
      join(isAbsolute(directory) ? directory : resolve(cwd, directory), program)
    );
  let denied = false;
  for (const place of places) {
    const result = libc().access(new TextEncoder().encode(`${place}\0`), X_OK);
    if (result === 0 && !isDirectory(place)) return { found: place };
    denied ||= result === 0 || result === -E.EACCES;
  }
  return { missing: denied ? "not executable" : "not found" };
}

/**
 * The program that gives another one a parent-death signal: setpriv of util-linux, in one of the system's directories.
 * That of BusyBox does not know `--pdeathsig`.
 */
export function findSetpriv(): string | undefined {
  const search = findProgram("setpriv");
  if (!("found" in search)) return undefined;
  return readProcLink(search.found)?.includes("busybox") ? undefined : search.found;
}

/** Whether a path is a directory, which is executable and yet no program: only of a directory one can ask for ".". */
function isDirectory(path: string): boolean {
  return libc().access(new TextEncoder().encode(`${path}/.\0`), 0) === 0;
}

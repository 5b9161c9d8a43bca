/**
 * Looking programs up as the system does.
 *
 * @module
 */

import { node } from "../../ffi/node.ts";
import { processSystem } from "./platform.ts";

/** What became of the search for a program. */
export type ProgramSearch =
  | { readonly found: string }
  | { readonly missing: "not found" | "not executable" };

/**
 * Finds the file of a program: a name without a slash in the directories of the PATH, anything else from the working
 * directory. On Windows, a name without an ending of programs gets each of them in turn.
 *
 * @param program the name or path
 * @param path the PATH; the system's usual one unless given
 * @param cwd the working directory of relative paths
 */
export function findProgram(
  program: string,
  path: string = processSystem().usualPath,
  cwd: string = "/",
): ProgramSearch {
  const { delimiter, isAbsolute, join, resolve } = node.path;
  const system = processSystem();
  const places = system.isPath(program)
    ? [isAbsolute(program) ? program : resolve(cwd, program)]
    : path.split(delimiter).map((directory) =>
      join(isAbsolute(directory) ? directory : resolve(cwd, directory), program)
    );
  let denied = false;
  for (const place of places.flatMap((place) => system.programFiles(place))) {
    const answer = system.canRun(place);
    if (answer === true) return { found: place };
    denied ||= answer === "denied";
  }
  return { missing: denied ? "not executable" : "not found" };
}

/** The program that gives another one a parent-death signal, where the system has one. */
export function findParentDeathProgram(): string | undefined {
  return processSystem().parentDeathProgram();
}

/**
 * Looking at what a service needs before anything is started.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { findParentDeathProgram, findProgram } from "../process/programs.ts";
import { mergedVariables, variableOf } from "../process/variables.ts";
import { faultOfDirectory } from "../process/working_directory.ts";
import type { ServiceDescription } from "./service_description.ts";

/**
 * Finds a service's programs before anything is started, so that the supervisor need look for nothing and may be
 * allowed to run these and no others.
 *
 * @returns the description with the paths of the programs
 * @throws ProcrefError `SERVICE_START` when the working directory is none; with `exitCode` 127 when a program is not
 * found, 126 when it is not executable
 */
export function resolvePrograms(name: string, description: ServiceDescription): ServiceDescription {
  const { command, ready, inherited, env, cwd } = description;
  checkDirectory(name, cwd);
  const path = variableOf(mergedVariables([inherited, env]), "PATH");
  const resolved = ([program, ...args]: readonly string[]): string[] => {
    if (program === undefined) return [];
    // It will be known when the placeholders are.
    if (program.includes("{")) return [program, ...args];
    const search = findProgram(program, path, cwd);
    if ("found" in search) return [search.found, ...args];
    const remedy = search.missing === "not found" ? splitRemedy([program, ...args]) : "";
    throw new ProcrefError("SERVICE_START", `Cannot start "${name}": ${program} is ${search.missing}${remedy}`, {
      details: { name, path: program, exitCode: search.missing === "not found" ? 127 : 126 },
    });
  };
  return {
    ...description,
    command: resolved(command),
    ready: ready.kind === "exec" ? { ...ready, command: resolved(ready.command) } : ready,
    setpriv: findParentDeathProgram(),
  };
}

/**
 * Checks the directory that a service is to be started in.
 *
 * @throws ProcrefError `SERVICE_START` when it is not there, or is none
 */
export function checkDirectory(name: string, cwd: string, cause?: unknown): void {
  const fault = faultOfDirectory(cwd);
  if (fault === undefined) return;
  throw new ProcrefError("SERVICE_START", `Cannot start "${name}": its cwd ${cwd} ${fault}`, {
    cause,
    details: { name, path: cwd, field: "cwd" },
  });
}

/** What to do about a program that is not found because it is a whole line; empty when it is none. */
export function splitRemedy([program = "", ...args]: readonly string[]): string {
  const line = program.trim();
  if (!/\s/.test(line)) return "";
  // What only a shell understands is left to one; a path of Windows is no line.
  const words = /["'`$|&;<>()*?~\\]/.test(line) ? ["sh", "-c", line] : line.split(/\s+/);
  const rest = line.includes("\\") || (words[0] === "sh" && args.length > 0)
    ? "each word as a text of its own"
    : `[${[...words, ...args].map((word) => JSON.stringify(word)).join(", ")}]`;
  return `; no shell splits it; give ${rest}`;
}

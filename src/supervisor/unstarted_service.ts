/**
 * Where the programs of a service are looked for, and why one could not be started, or ended before it was ready.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { type ProgramPlace, statusOfUnstarted } from "../process/unstarted_program.ts";
import { mergedVariables, variableOf } from "../process/variables.ts";
import { oneLine } from "../service/one_line.ts";
import { checkDirectory, splitRemedy } from "../service/resolve_programs.ts";
import type { ServiceDescription } from "../service/service_description.ts";
import type { End } from "./life.ts";

/** Where the programs of a service are looked for. */
export function placeOf({ cwd, env, inherited }: ServiceDescription): ProgramPlace {
  return { path: variableOf(mergedVariables([inherited, env]), "PATH"), cwd };
}

/** The error of a program that the system did not start. The runtimes say of a directory that is none that it is the program. */
export function notStarted(description: ServiceDescription, name: string, program: string, cause: Error): ProcrefError {
  const { command, cwd } = description;
  checkDirectory(name, cwd, cause);
  const exitCode = statusOfUnstarted(program, placeOf(description), (cause as NodeJS.ErrnoException).code);
  const remedy = exitCode === 127 ? splitRemedy(command) : "";
  const why = `${command[0]} in ${cwd}: ${cause.message}${remedy}`;
  return new ProcrefError("SERVICE_START", `Cannot start "${name}": ${why}`, {
    cause,
    details: { name, path: program, exitCode },
  });
}

/** What is to be said of an end before it was ready. */
export function earlyEnd({ command }: ServiceDescription, { why, exitCode }: End): string {
  const meaning = exitCode === 127 ? " (not found)" : exitCode === 126 ? " (not executable)" : "";
  const remedy = exitCode === 127 ? splitRemedy(command) : "";
  const program = remedy === "" ? "" : `; its program is "${oneLine(command[0])}"${remedy}`;
  return `${why}${meaning} before it was ready${program}`;
}

/**
 * Running a program that somebody named on the command line, to its end.
 *
 * @module
 */

import { resolve } from "node:path";
import process from "node:process";
import { findProgram } from "../process/programs.ts";
import { variableOf } from "../process/variables.ts";
import { runClient, type SignalRelay } from "./client_process.ts";
import { EXIT } from "./command.ts";
import { printable, type Terminal } from "./terminal.ts";

/**
 * Runs a program in this terminal until it ends, and says so when it cannot be run.
 *
 * @param command the program, as a path or to be looked for, and its arguments
 * @param env its whole environment
 * @param relay gives the signals that are passed on to it
 * @param terminal where to complain
 * @returns its exit status; 126 when it is not executable, 127 when it is not found
 */
export async function runNamedProgram(
  [program, ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  relay: SignalRelay,
  terminal: Terminal,
): Promise<number> {
  const search = findProgram(program, variableOf(env, "PATH"), process.cwd());
  if ("missing" in search) {
    terminal.err(`procref: cannot run ${printable(program)}: it is ${search.missing}\n`);
    return search.missing === "not found" ? EXIT.notFound : EXIT.notExecutable;
  }
  const end = await runClient(search.found, args, env, relay);
  if ("status" in end) return end.status;
  terminal.err(`procref: cannot run ${printable(resolve(search.found))}: ${end.failure.message}\n`);
  return EXIT.notExecutable;
}

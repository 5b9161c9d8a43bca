/**
 * What a process is for people: its command line, and for how long it has run.
 *
 * @module
 */

import { processSystem } from "./platform.ts";

/** How long a command line is kept, in characters. */
const LONGEST_COMMAND = 2000;

/**
 * The command line of a process, cut off where it is very long.
 *
 * @returns undefined when there is no such process, it has ended, or this user may not see it
 * @throws ProcrefError `IO`, `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function commandOf(pid: number): string[] | undefined {
  const command = processSystem().command(pid);
  return command?.join("\0").slice(0, LONGEST_COMMAND).split("\0");
}

/**
 * How long a process has run, in milliseconds.
 *
 * @returns undefined when there is no such process, or this user may not see it
 * @throws ProcrefError `IO`, `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function ageMsOf(pid: number): number | undefined {
  return processSystem().ageMs(pid);
}

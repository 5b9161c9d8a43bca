/**
 * A command that ends with the process that starts it, where the system has a parent-death signal.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";

/**
 * Runs the command if its parent is still this process: one that was killed before the parent-death signal was set could
 * not send it. It is no shell that anything of the user's goes through: the arguments are passed on as they are.
 */
const IF_PARENT_LIVES = `test "$PPID" = "$0" && exec "$@"`;
const SHELL = "/bin/sh";

/**
 * The command with what gives it a parent-death signal. It keeps its PID and start time when its program takes the place
 * of what prepares it.
 *
 * @param setpriv the program that does it, as `parentDeathProgram` of the system says; undefined where there is none
 */
export function endingWithParent(setpriv: string | undefined, command: readonly string[]): readonly string[] {
  if (setpriv === undefined) return command;
  return [setpriv, "--pdeathsig", "KILL", "--", SHELL, "-c", IF_PARENT_LIVES, String(host().pid), ...command];
}

/** Whether the command line of a process is still that of what prepares it. */
export function isPrepared(setpriv: string, command: readonly string[]): boolean {
  return [[setpriv, "--pdeathsig"], [SHELL, "-c", IF_PARENT_LIVES]].some((begin) =>
    begin.every((word, index) => command[index] === word)
  );
}

/**
 * What a command of the command line is.
 *
 * @module
 */

import { type Arguments, describeOptions, type OptionTable } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** A command of the command line. */
export interface Command {
  /** Its name. */
  readonly name: string;
  /** What follows the name, in the help. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** More about it: what it does in detail, exit codes. */
  readonly details: string;
  /** Its options. */
  readonly options: OptionTable;
  /** What it calls the program that it runs, which follows `--`; a command that runs none has none. */
  readonly program?: string;
  /** Its exit code when it fails: 1 unless given, which commands that end with the status of another program cannot use. */
  readonly failed?: number;
  /**
   * Does it.
   *
   * @param args what follows the name
   * @param terminal where to write
   * @returns the exit code
   */
  run(args: Arguments, terminal: Terminal): Promise<number> | number;
}

/** The exit codes that commands have in common. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  notAvailable: 75,
  procrefFailed: 125,
  notExecutable: 126,
  notFound: 127,
};

/** The help of a command. */
export function helpOf({ name, usage, summary, details, options }: Command): string {
  return `usage: procref ${name}${usage === "" ? "" : ` ${usage}`}\n\n${summary}\n\n${details}\n\noptions:\n` +
    `${describeOptions(options)}\n`;
}

/**
 * A program that outlives whoever starts it, with its output in a log.
 *
 * @module
 */

import type { ProcessIdentity } from "./identity.ts";

/** How such a program is started. */
export interface LoggedStart {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The variable of it whose value no other process has. */
  readonly mark: string;
  /** Its working directory. */
  readonly cwd: string;
  /** The absolute path of a file that is there: its standard output and standard error are added to it. */
  readonly log: string;
}

/** A program that has been started. */
export interface LoggedProcess {
  /** Its PID. */
  readonly pid: number;
  /** Who it is; undefined when it ended at once. */
  readonly identity: ProcessIdentity | undefined;
  /** Whether it still runs. */
  isRunning(): boolean;
  /** Lets go of it: it runs on, and this process may end. */
  release(): void;
}

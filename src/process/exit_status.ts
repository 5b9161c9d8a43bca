/**
 * How a process ended.
 *
 * @module
 */

/** Whether a process has ended, and how, as far as this process can know. */
export interface ExitStatus {
  /** Whether it runs no more, in whatever way it ended. */
  readonly exited: boolean;
  /**
   * Its exit status. Undefined while it runs, when a signal ended it, and for a process that this one has not started:
   * a system tells the status to the parent alone. On Windows, Bun tells its last eight bits.
   */
  readonly exitCode: number | undefined;
  /**
   * Whether a signal ended it; false where that is not known, and on Windows, where a process that was ended has the
   * exit status that a shell would give: 143 for a request, 137 for force.
   */
  readonly signaled: boolean;
  /** The signal that ended it, for example `"SIGKILL"`. */
  readonly signal: string | undefined;
}

/** Of a process that runs. */
export const RUNNING: ExitStatus = { exited: false, exitCode: undefined, signaled: false, signal: undefined };
/** Of a process that has ended in a way that nobody told. */
export const UNKNOWN_END: ExitStatus = { ...RUNNING, exited: true };

/** The status that a runtime tells of its child. */
export function exitStatus(code: number | null, signal: string | null): ExitStatus {
  return signal === null ? { ...UNKNOWN_END, exitCode: code ?? undefined } : { ...UNKNOWN_END, signaled: true, signal };
}

/** How a process ended, as the end of a sentence. */
export function describeEnd({ exitCode, signal }: ExitStatus): string {
  if (signal !== undefined) return `it was ended by ${signal}`;
  return exitCode === undefined ? "it has ended" : `it ended with status ${exitCode}`;
}

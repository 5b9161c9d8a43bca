/**
 * The numbers of the signals that end a process, and how signals reach this one: which it was started to ignore, and
 * which a terminal sends to its whole group.
 *
 * @module
 */

import { node } from "../../ffi/node.ts";
import { processSystem } from "./platform.ts";
import type { AskingSignal } from "./process_system.ts";

export type { AskingSignal };

/** Ends a process by force: 9 on every system; see signal(7). */
export const SIGKILL = 9;
/** Asks a process to end: 15 on every system. */
export const SIGTERM = 15;

/** Those that have the same number on every Unix: kill(1) of POSIX names them. */
const POSIX: Readonly<Record<string, number>> = {
  ...{ SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL, SIGALRM: 14, SIGTERM },
};

/** The number of a signal on this system. */
export function signalNumber(name: NodeJS.Signals): number {
  return POSIX[name] ?? node.os.constants.signals[name];
}

/** The numbers of the signals that this process was started to ignore. */
export function ignoredSignals(): Set<number> {
  return processSystem().ignoredSignals();
}

/**
 * Whether the keys of a terminal (Ctrl-C) reach the process group of this process as a whole: it has a terminal and is
 * in front of it.
 */
export function terminalSignalsWholeGroup(): boolean {
  return processSystem().terminalSignalsWholeGroup();
}

/**
 * The signals that a terminal sends to everybody in front of it: by its keys, and on Windows when it is closed. That
 * system has no others.
 */
export function signalsOfTerminal(): readonly NodeJS.Signals[] {
  return processSystem().terminalSignals;
}

/** What ends a process by force on this system, for people. */
export function endingByForce(): string {
  return processSystem().endsByForce;
}

/** The numbers of the signals that ask for something, the same on every system; that of Ctrl-Break is of Windows' C. */
export const SIGNAL_NUMBERS: Readonly<Record<AskingSignal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGTERM,
  SIGBREAK: 21,
};

/**
 * Tells a listener of each signal that asks this process for something; what the runtime would do at it is off
 * meanwhile. On Windows Ctrl-C is SIGINT, Ctrl-Break SIGBREAK, the closing of the console SIGHUP, and a request of
 * `terminate` of this library, which comes once, SIGTERM.
 *
 * @returns ends it
 */
export function onSignals(listener: (signal: AskingSignal) => void): () => void {
  return processSystem().onSignals(listener);
}

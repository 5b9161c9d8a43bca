/**
 * The client of `procref run`: a child process that gets the signals that were meant for it.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { ignoredSignals, signalsOfTerminal, terminalSignalsWholeGroup } from "../process/signals.ts";
import { ProcessWatch } from "../process/process_watch.ts";

/** Signals that are passed on, beside those that a terminal sends. */
const FORWARDED: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];

/** How a client ended, or why it could not be started. */
export type ClientEnd = { readonly status: number } | { readonly failure: NodeJS.ErrnoException };

/** The exit status that shells give to a process that a signal ended. */
export function statusOfSignal(signal: string): number {
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

/** Takes the signals of this process, and gives them to whoever is in charge of them. Dispose it. */
export class SignalRelay implements Disposable {
  readonly #handlers = new Map<NodeJS.Signals, () => void>();
  #take: (signal: string) => void;

  /**
   * Begins to take signals. Those that this process was started to ignore (`nohup`) stay ignored.
   *
   * @param take is given each signal
   */
  constructor(take: (signal: string) => void) {
    this.#take = take;
    const ignored = ignoredSignals();
    for (const signal of new Set([...FORWARDED, ...signalsOfTerminal()])) {
      // Without a handler Deno would end by it.
      const isIgnored = ignored.has(constants.signals[signal]);
      const handler = (): void => {
        if (!isIgnored) this.#take(signal);
      };
      this.#handlers.set(signal, handler);
      process.on(signal, handler);
    }
  }

  /** Gives signals to somebody else from now on. */
  redirect(take: (signal: string) => void): void {
    this.#take = take;
  }

  /** Lets signals do to this process what they always do. */
  [Symbol.dispose](): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
    this.#handlers.clear();
  }
}

/**
 * Runs a client in this terminal until it ends. Signals are passed on to it, except those that the terminal has sent
 * to it already.
 *
 * @param program the file of the program
 * @param args its arguments
 * @param env its whole environment
 * @param relay gives the signals
 */
export function runClient(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  relay: SignalRelay,
): Promise<ClientEnd> {
  return new Promise((resolve) => {
    // A signal in the moments between here and there waits.
    const early: string[] = [];
    relay.redirect((signal) => early.push(signal));
    let child: ChildProcess;
    try {
      child = spawn(program, args, { stdio: "inherit", env: { ...env } });
    } catch (failure) {
      resolve({ failure: failure as NodeJS.ErrnoException });
      return;
    }
    const ofTerminal: readonly string[] = signalsOfTerminal();
    const watch = child.pid === undefined ? undefined : ProcessWatch.ofPid(child.pid);
    const forward = (signal: string): void => {
      if (ofTerminal.includes(signal) && terminalSignalsWholeGroup()) return;
      // Not by the runtime's own kill, after which Deno reports this signal as the end whatever the client did.
      watch?.signal(constants.signals[signal as NodeJS.Signals]);
    };
    relay.redirect(forward);
    early.forEach(forward);
    child.on("error", (failure) => {
      watch?.close();
      resolve({ failure });
    });
    child.on("exit", (code, signal) => {
      watch?.close();
      resolve({ status: signal === null ? code ?? 0 : statusOfSignal(signal) });
    });
  });
}

/**
 * What the signals of a program do.
 *
 * | what comes | first | again |
 * | --- | --- | --- |
 * | SIGTERM, SIGINT; on Windows a request of `terminate`, Ctrl-C, Ctrl-Break | shutdown, then exit status 128+n | the process ends at once, 128+n |
 * | SIGHUP with `onReload` | reload | one more reload, after the one that runs |
 * | SIGHUP without `onReload`; on Windows, where the console is closed | as SIGTERM | as SIGTERM |
 *
 * A signal that the program was started to ignore (`nohup`) stays ignored. When the program is killed by force nothing of
 * this happens, and the kernel gives back what it keeps for it.
 *
 * @module
 */

import process from "node:process";
import { isProcrefError } from "../errors.ts";
import { type AskingSignal, ignoredSignals, onSignals, SIGNAL_NUMBERS } from "../process/signals.ts";
import { isWindows } from "../../ffi/windows.ts";
import { type Lifecycle, processLifecycle, tell } from "./lifecycle.ts";
import { Reloading } from "./reloading.ts";

/** How signals are handled. */
export interface SignalOptions {
  /** Reads the configuration again, at SIGHUP. What it throws is told on standard error, and the program goes on. */
  readonly onReload?: () => unknown;
  /** How long all shutdown hooks together may take, in milliseconds: 30,000 unless given. */
  readonly graceMs?: number;
  /** The life that is ended: that of this process unless given. */
  readonly lifecycle?: Lifecycle;
}

/** Signals that are handled. Dispose it, and they do what they always do. */
export interface SignalHandling extends Disposable {
  /** Reloads as SIGHUP does, for systems and programs that ask in another way. It resolves when that is done. */
  reload(): Promise<void>;
}

/**
 * Lets signals end or reload this program in good order.
 *
 * The first SIGTERM or SIGINT runs the shutdown hooks, the newest first, and ends the process with status 128 and the
 * signal's number (143, 130); a second one ends it at once. SIGHUP calls `onReload`, one call at a time.
 *
 * @param options what reloads, and how long the hooks may take
 * @returns to dispose when the program handles its signals itself again
 *
 * @example
 * ```ts
 * import { handleSignals } from "@procref/core/lifecycle";
 * import assert from "node:assert/strict";
 *
 * let reloads = 0;
 * using signals = handleSignals({ onReload: () => ++reloads, graceMs: 10_000 });
 * await signals.reload();
 * assert.equal(reloads, 1);
 * ```
 */
export function handleSignals(options: SignalOptions = {}): SignalHandling {
  const { onReload, graceMs, lifecycle = processLifecycle() } = options;
  const reloading = onReload === undefined ? undefined : new Reloading(onReload);
  const ignored = ignoredNumbers();
  let asked = false;

  const end = async (signal: AskingSignal): Promise<void> => {
    const exitCode = 128 + SIGNAL_NUMBERS[signal];
    if (asked) {
      tell(`${signal} forces the end`);
      process.exit(exitCode);
    }
    asked = true;
    const report = await lifecycle.shutdown({
      reason: signal,
      exitCode,
      ...(graceMs === undefined ? {} : { graceMs }),
    });
    for (const error of report.errors) tell(error.message);
    process.exit(report.exitCode);
  };
  const stop = onSignals((signal) => {
    if (ignored.has(SIGNAL_NUMBERS[signal])) return;
    if (signal !== "SIGHUP" || reloading === undefined || isWindows()) void end(signal);
    else if (lifecycle.state === "running") void reloading.reload();
  });
  return {
    reload: () => reloading?.reload() ?? Promise.resolve(),
    [Symbol.dispose]: stop,
  };
}

/** None where the runtime does not let us ask. */
function ignoredNumbers(): Set<number> {
  try {
    return ignoredSignals();
  } catch (error) {
    if (isProcrefError(error)) return new Set();
    throw error;
  }
}

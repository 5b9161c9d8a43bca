/**
 * Running the main function of a program that has a lifecycle.
 *
 * | what ends the program | exit status |
 * | --- | --- |
 * | the main function returns | 0, or the number that it returned |
 * | the main function throws: a port is taken, another instance runs, a configuration is bad | 1, the reason on standard error |
 * | an error or rejection that nobody catches | 1, the error on standard error |
 * | signal n | 128+n |
 * | a shutdown hook fails, and nothing else was wrong | 1 |
 *
 * Whichever comes first begins the shutdown, and the process ends when that is over: not before, though the main function
 * returns meanwhile; and not later, though it never does.
 *
 * @module
 */

import process from "node:process";
import { isProcrefError } from "../errors.ts";
import { LONGEST_TIMER_MS } from "../waiting.ts";
import { handleSignals, type SignalOptions } from "./handle_signals.ts";
import { reportStartFailure } from "./handshake.ts";
import { ensureSingleInstance } from "./instance.ts";
import { type Lifecycle, processLifecycle, tell } from "./lifecycle.ts";

/** How a program is run. */
export interface RunMainOptions extends SignalOptions {
  /** A file that stands for the program, of which only one instance runs: see {@link ensureSingleInstance}. */
  readonly instance?: string;
}

/** The main function of a program: it gets the program's life, and gives the exit status, 0 unless it does. */
export type Main = (lifecycle: Lifecycle) => number | void | Promise<number | void>;

/**
 * Runs a program: handles its signals, makes it the only instance if it is to be, calls the main function, and when that
 * is done or fails, or a signal comes, runs the shutdown hooks and ends the process.
 *
 * The main function is not waited for once a signal has come; what must be done before resources are closed belongs into
 * a hook. {@link serveGracefully} is one already.
 *
 * @param main is called with the lifecycle; returns the exit status, or nothing
 * @param options the instance file, what reloads, how long the hooks may take
 * @returns never: the process ends
 *
 * @example
 * ```ts
 * import { runMain, serveGracefully } from "@procref/core/lifecycle";
 * import { createServer } from "node:http";
 *
 * await runMain(async (lifecycle) => {
 *   lifecycle.registerShutdownHook(() => console.log("closed"), { name: "close the database" });
 *   const server = createServer((_, response) => response.end("hello"));
 *   const served = serveGracefully(server.listen(0, "127.0.0.1"), { graceMs: 5000 });
 *   setTimeout(() => void lifecycle.shutdown({ reason: "an example is short" }), 50);
 *   await served;
 * }, { instance: "example.pid" });
 * ```
 */
export async function runMain(main: Main, options: RunMainOptions = {}): Promise<never> {
  const { instance, graceMs, lifecycle = processLifecycle() } = options;
  handleSignals({ ...options, lifecycle });
  // So that the program does not end while it only waits for a signal.
  setInterval(() => {}, LONGEST_TIMER_MS);
  let fail: (error: unknown) => void = () => {};
  const crashed = new Promise<never>((_, reject) => fail = reject);
  crashed.catch(() => {});
  const onCrash = (error: unknown): void => {
    // A second one is told as well, though the first one decides.
    if (lifecycle.state !== "running") tellError(error);
    fail(error);
  };
  process.on("uncaughtException", onCrash);
  process.on("unhandledRejection", onCrash);
  const end = await Promise.race([crashed, runTo(main, lifecycle, instance)]).then(
    (exitCode) => ({ exitCode, reason: "the main function is done" }),
    (error) => failed(error, lifecycle),
  );
  const report = await lifecycle.shutdown({ ...end, ...(graceMs === undefined ? {} : { graceMs }) });
  for (const error of report.errors) tell(error.message);
  process.exit(report.exitCode);
}

async function runTo(main: Main, lifecycle: Lifecycle, instance: string | undefined): Promise<number> {
  if (instance !== undefined) await ensureSingleInstance(instance, { lifecycle });
  return await main(lifecycle) ?? 0;
}

function failed(error: unknown, lifecycle: Lifecycle): { exitCode: number; reason: string } {
  // A wait that the shutdown itself has ended is none.
  if (!lifecycle.signal.aborted || error !== lifecycle.signal.reason) {
    tellError(error);
    reportStartFailure(error);
  }
  return { exitCode: 1, reason: "the main function failed" };
}

/** Ours say all in their message; of others one wants to know where they come from. */
function tellError(error: unknown): void {
  tell(isProcrefError(error) ? error.message : error instanceof Error ? error.stack ?? error.message : String(error));
}

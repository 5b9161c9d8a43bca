/**
 * Running a user's callback: with a time limit, and with its failure as an error of ours.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { type ErrorCode, isProcrefError, ProcrefError } from "../errors.ts";
import { oneLine } from "./one_line.ts";
import type { Awaitable, CallbackContext } from "./options.ts";

/** What a callback is run for. */
export interface CallbackRun<T> {
  /** The callback's name. */
  readonly what: string;
  /** The service. */
  readonly service: string;
  /** The code of the error when it fails. */
  readonly code: ErrorCode;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Gives up waiting for it: the run rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Takes what the callback returned after it was given up. */
  readonly late?: (value: T) => void;
}

/**
 * Runs a callback. It cannot be stopped from outside: when its time is over or the caller gives up, its signal aborts
 * and it is waited for no longer; what it still returns goes to `late`.
 *
 * @throws ProcrefError of the given code, with what it threw, or a `TIMEOUT`, as the cause; the reason of an aborted
 * signal
 */
export async function runCallback<T>(
  run: CallbackRun<T>,
  callback: (context: CallbackContext) => Awaitable<T>,
): Promise<T> {
  const { what, service, code, timeoutMs, signal, late } = run;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const failure = (why: string, cause: unknown) =>
    new ProcrefError(code, `Cannot use "${service}": ${what} ${why}`, { cause, details: { name: service } });

  let givenUp = false;
  const work = Promise.resolve().then(() => callback({ name: service, signal: controller.signal }));
  const outcome = work.then(
    (value) => {
      if (givenUp) late?.(value);
      return value;
    },
    (error) => {
      throw failure(`failed: ${error instanceof Error ? error.message : String(error)}`, error);
    },
  );
  outcome.catch(() => {});

  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort: (() => void) | undefined;
  const interruption = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const timeout = new ProcrefError("TIMEOUT", `${what} of "${service}" took longer than ${timeoutMs} ms`);
      reject(failure(`did not end within ${timeoutMs} ms`, timeout));
    }, timeoutMs);
    onAbort = () => reject(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([outcome, interruption]);
  } catch (error) {
    givenUp = true;
    controller.abort(error);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort!);
  }
}

/** How a callback that says yes or no is asked until it says yes. */
export interface RepeatedQuestion extends Omit<CallbackRun<boolean>, "late"> {
  /** What cannot be done without the yes: "start" or "use". */
  readonly doing: "start" | "use";
  /** How long to wait between two questions, in milliseconds. */
  readonly intervalMs: number;
  /** Whether to ask on; for ever unless given. */
  readonly isWanted?: () => boolean;
}

/**
 * Asks a callback until it says yes; to throw means no.
 *
 * @returns whether it said yes; false when that is not wanted any more
 * @throws ProcrefError of the given code when the time is over, which tells of the last answer; the reason of an
 * aborted signal
 */
export async function untilYes(
  { doing, intervalMs, isWanted = () => true, ...run }: RepeatedQuestion,
  question: (context: CallbackContext) => Awaitable<boolean>,
): Promise<boolean> {
  const { what, service, code, timeoutMs } = run;
  let lastAnswer = "has not answered yet";
  try {
    return await runCallback(run, async (context) => {
      while (!context.signal.aborted && isWanted()) {
        try {
          const answer = await question(context);
          if (answer) return true;
          if (!context.signal.aborted) lastAnswer = `said ${answer}`;
        } catch (error) {
          if (!context.signal.aborted) lastAnswer = `threw ${oneLine(String(error))}`;
        }
        await delay(intervalMs);
      }
      return false;
    });
  } catch (error) {
    // Nothing that the callback throws comes so far: this is the end of the time, or of the caller's patience.
    if (!isProcrefError(error, code) || !isProcrefError(error.cause, "TIMEOUT")) throw error;
    const why = `it was not ready after ${timeoutMs} ms (startTimeoutMs); ${what} ${lastAnswer}`;
    const details = { name: service, waitedFor: what, lastAnswer };
    throw new ProcrefError(code, `Cannot ${doing} "${service}": ${why}`, { cause: error.cause, details });
  }
}

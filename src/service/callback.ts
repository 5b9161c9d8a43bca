/**
 * Running a user's callback: with a time limit, and with its failure as an error of ours.
 *
 * @module
 */

import { type ErrorCode, ProcrefError } from "../errors.ts";
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

/** Asks a callback that says yes or no; to throw means no. */
export async function isTrue(question: () => Awaitable<boolean>): Promise<boolean> {
  try {
    return await question();
  } catch {
    return false;
  }
}

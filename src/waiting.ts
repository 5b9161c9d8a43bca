/**
 * Waiting for a condition that only a system call can tell, without blocking the event loop.
 *
 * @module
 */

import { ProcrefError } from "./errors.ts";

/** How long to wait, and what may end the wait. */
export interface WaitOptions {
  /** Ends the wait: it rejects with the signal's reason and nothing is kept. */
  readonly signal?: AbortSignal;
  /** The longest wait in milliseconds; without it there is no limit. */
  readonly timeoutMs?: number;
}

/** How often to ask while waiting. */
export interface Pace {
  /** The first pause, in milliseconds. */
  readonly firstPauseMs?: number;
  /** The longest pause between two questions, in milliseconds. */
  readonly longestPauseMs?: number;
}

/** The longest time that timers of the runtimes can be set to, in milliseconds: later than in 24 days is never. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;

/**
 * Checks what a caller has given; a time limit is 0 or more milliseconds, also Infinity.
 *
 * @throws ProcrefError `INVALID_ARGUMENT`
 */
export function checkWait({ timeoutMs }: WaitOptions): void {
  if (timeoutMs === undefined || (typeof timeoutMs === "number" && timeoutMs >= 0)) return;
  throw new ProcrefError("INVALID_ARGUMENT", `Cannot wait for ${String(timeoutMs)} ms: use 0 or more milliseconds`, {
    details: { field: "timeoutMs" },
  });
}

/**
 * Asks again and again until the answer is true. The pauses double from 1 to 20 ms, each shortened at random by up to
 * a half so that processes that started together do not stay in step.
 *
 * @param attempt asks once; what it throws ends the wait
 * @param options what may end the wait; `firstPauseMs` instead of 1, `longestPauseMs` instead of 20
 * @param describe what is waited for, as it follows "Cannot"; asked only for the error
 * @throws ProcrefError `TIMEOUT`, `INVALID_ARGUMENT`; the reason of an aborted signal
 */
export async function until(
  attempt: () => boolean,
  options: WaitOptions & Pace,
  describe: () => string,
): Promise<void> {
  const { signal, timeoutMs, firstPauseMs = FIRST_PAUSE_MS, longestPauseMs = LONGEST_PAUSE_MS } = options;
  checkWait(options);
  signal?.throwIfAborted();
  const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  for (let pause = firstPauseMs; !attempt(); pause = Math.min(2 * pause, longestPauseMs)) {
    const left = deadline - performance.now();
    if (left <= 0) {
      throw new ProcrefError("TIMEOUT", `Cannot ${describe()}: waited ${timeoutMs} ms`);
    }
    await delay(Math.min(pause * (0.5 + Math.random() / 2), left), { signal });
  }
}

/**
 * Resolves after some milliseconds. As `node:timers/promises` has it, which takes Deno ten times the shortest wait to load.
 *
 * @throws the reason of an aborted signal
 */
export function delay(ms: number, { signal }: Pick<WaitOptions, "signal"> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const end = (): void => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}

/**
 * Does something whose steps end by a signal, with a time limit for the whole of it.
 *
 * @param tooLate the reason of the signal when the time is over
 * @param work is given no signal when there is neither a signal nor a limit
 */
export async function within<T>(
  { signal, timeoutMs }: WaitOptions,
  tooLate: () => ProcrefError,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined || timeoutMs > LONGEST_TIMER_MS) return await work(signal);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(tooLate()), timeoutMs);
  try {
    return await work(signal ? AbortSignal.any([signal, controller.signal]) : controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Rejects with the signal's reason when it aborts, and no longer once `over` has aborted; it never resolves.
 *
 * @param signal what to wait for
 * @param over ends the wait, so that nothing of it stays with a signal that lives longer
 */
export function aborted(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: over });
  });
}

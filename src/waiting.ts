/**
 * Waiting for a condition that only a system call can tell, without blocking the event loop.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
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

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;

/**
 * Asks again and again until the answer is true. The pauses double from 1 to 20 ms, each shortened at random by up to
 * a half so that processes that started together do not stay in step.
 *
 * @param attempt asks once; what it throws ends the wait
 * @param options what may end the wait; `firstPauseMs` instead of 1, `longestPauseMs` instead of 20
 * @param describe what is waited for, as it follows "Cannot"; asked only for the error
 * @throws ProcrefError `TIMEOUT`; the reason of an aborted signal
 */
export async function until(
  attempt: () => boolean,
  options: WaitOptions & Pace,
  describe: () => string,
): Promise<void> {
  const { signal, timeoutMs, firstPauseMs = FIRST_PAUSE_MS, longestPauseMs = LONGEST_PAUSE_MS } = options;
  signal?.throwIfAborted();
  const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  for (let pause = firstPauseMs; !attempt(); pause = Math.min(2 * pause, longestPauseMs)) {
    const left = deadline - performance.now();
    if (left <= 0) {
      throw new ProcrefError("TIMEOUT", `Cannot ${describe()}: waited ${timeoutMs} ms`);
    }
    await pauseFor(Math.min(pause * (0.5 + Math.random() / 2), left), signal);
  }
}

async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
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

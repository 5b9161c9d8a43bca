/**
 * Waiting without giving way to anything else: for what takes microseconds, in calls that cannot be asynchronous.
 *
 * @module
 */

import type { Pace } from "../waiting.ts";

/** The pauses between two questions, in milliseconds. */
const FIRST_PAUSE_MS = 0.05;
const LONGEST_PAUSE_MS = 2;

// Nobody ever wakes who waits on it, so all waits of a thread can share it.
let cell: Int32Array | undefined;

/** Blocks this thread for a time. */
export function blockFor(ms: number): void {
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, ms);
}

/**
 * Asks again and again until the answer is true, once at least. The pauses double from 0.05 to 2 ms, each shortened at
 * random by up to a half so that processes that started together do not stay in step.
 *
 * @param attempt asks once; what it throws ends the wait
 * @param limitMs for how long to ask
 * @param pace `firstPauseMs` instead of 0.05, `longestPauseMs` instead of 2
 * @returns false when the time is over
 */
export function blockUntil(attempt: () => boolean, limitMs: number, pace: Pace = {}): boolean {
  const { firstPauseMs = FIRST_PAUSE_MS, longestPauseMs = LONGEST_PAUSE_MS } = pace;
  const deadline = performance.now() + limitMs;
  for (let pause = firstPauseMs; !attempt(); pause = Math.min(2 * pause, longestPauseMs)) {
    if (performance.now() > deadline) return false;
    blockFor(pause * (0.5 + Math.random() / 2));
  }
  return true;
}

/**
 * A line that says what a command waits for, when that takes longer than one likes.
 *
 * @module
 */

import { durationText } from "./durations.ts";
import type { Terminal } from "./terminal.ts";

/** How long a wait may take before it is mentioned. */
const SILENT_MS = 500;
const REFRESH_MS = 100;
const CLEAR_LINE = "\r\x1b[2K";

/**
 * Does something, and on a terminal says what is waited for once that takes longer than half a second.
 *
 * @param terminal where to say so
 * @param describe what is waited for now
 * @param work what to do
 */
export async function withProgress<T>(
  terminal: Terminal,
  describe: () => string,
  work: () => Promise<T>,
): Promise<T> {
  if (!terminal.live) return await work();
  const started = performance.now();
  let shown = false;
  const show = (): void => {
    const elapsed = performance.now() - started;
    if (elapsed < SILENT_MS) return;
    shown = true;
    terminal.err(`${CLEAR_LINE}procref: ${describe()} (${durationText(elapsed)})`);
  };
  const timer = setInterval(show, REFRESH_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (shown) terminal.err(CLEAR_LINE);
  }
}

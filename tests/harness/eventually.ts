/** Waiting for what no event tells. */

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

/** Asks until the condition holds; fails when it does not within the time, which is generous. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!await condition()) {
    if (performance.now() > deadline) assert.fail(`after ${timeoutMs} ms still not so: ${what}`);
    await delay(5);
  }
}

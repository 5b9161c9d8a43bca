/**
 * Takes turns with another one: waits for the only permit, holds it until the other one waits and for some time more, and
 * gives it back. Prints when it got it and when it began to give it back, by its own clock. Arguments: a directory, how
 * many turns.
 */

import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { FileSemaphore } from "../../src/semaphore/mod.ts";

const HOLD_MS = 15;

const [, , directory, turns] = process.argv;
using semaphore = new FileSemaphore(join(directory, "semaphore.json"), 1);
const times: { readonly got: number; readonly gave: number }[] = [];
for (let turn = 0; turn < Number(turns); turn++) {
  const permit = await semaphore.acquire({ wait: true, timeoutMs: 20_000 });
  const got = performance.now();
  // In its last turn the other one may have gone.
  const isLast = turn === Number(turns) - 1;
  while (!isLast && semaphore.inspect().waiting.length === 0) await delay(1);
  await delay(HOLD_MS);
  times.push({ got, gave: performance.now() });
  permit.release();
}
console.log(JSON.stringify(times));

/** Acquires and releases the only permit, which nobody else wants, and prints how long that took. Argument: a directory. */

import { join } from "node:path";
import process from "node:process";
import { FileSemaphore } from "../../src/semaphore/mod.ts";
import { median, quantile } from "../statistics.ts";
import { timeSlices } from "../timing.ts";

using semaphore = new FileSemaphore(join(process.argv[2], "semaphore.json"), 1);

function pairs(amount: number): void {
  for (let pair = 0; pair < amount; pair++) {
    semaphore.acquire("the only one");
    semaphore.release("the only one");
  }
}

const times = await timeSlices(pairs, { slices: 1000, pairs: 5 });
console.log(JSON.stringify({ medianNs: median(times), p99Ns: quantile(times, 0.99) }));

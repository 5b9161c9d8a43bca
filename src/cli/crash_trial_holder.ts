/**
 * The child of `procref doctor` that takes a reference and the seat of a counter, and is killed. Run by
 * crash_trial.ts, with the name and the options of the counter.
 *
 * @module
 */

import process from "node:process";
import { openRefCounter } from "../kernel/open.ts";

if (import.meta.main) {
  const counter = await openRefCounter(process.argv[2], JSON.parse(process.argv[3]));
  const holds = counter.tryAcquire() && counter.trySeat();
  process.stdout.write(holds ? "holds\n" : "holds nothing\n");
  // Until it is killed, or its parent is gone.
  process.stdin.resume();
}

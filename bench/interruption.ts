/** Ctrl-C and a request to end, made a signal that every wait of the benchmarks sees, so that all is cleaned up. */

import process from "node:process";

const controller = new AbortController();

/** Aborts when this process is told to end. */
export const interrupted: AbortSignal = controller.signal;

/** From now on, to be told to end interrupts the benchmarks and not the process. */
export function catchInterruption(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => controller.abort(new Error(`interrupted by ${signal}`)));
  }
}

/** A process that stands for a service: it sleeps, in a session of its own, until it is stopped. */

import { spawn } from "node:child_process";
import { onWindows } from "./platform.ts";

/** A program that sleeps for five minutes, whatever a test forgets. Windows has none of its own that needs no console. */
export function sleepCommand(): readonly [program: string, ...args: string[]] {
  return onWindows ? ["bun", "-e", "setTimeout(() => {}, 300_000)"] : ["sleep", "300"];
}

/** Starts one. */
export function startSleeper(): number {
  const [program, ...args] = sleepCommand();
  const child = spawn(program, args, { detached: true, stdio: "ignore" });
  child.unref();
  return child.pid!;
}

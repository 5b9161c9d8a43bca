/** A process that stands for a service: it sleeps, in a session of its own, until it is stopped. */

import { spawn } from "node:child_process";
import { onWindows } from "./platform.ts";

/** A command that sleeps. It ends by itself after five minutes, whatever a test forgets. */
export const SLEEP: readonly string[] = onWindows ? ["bun", "-e", "setTimeout(() => {}, 300000)"] : ["sleep", "300"];

/** Starts one. */
export function startSleeper(): number {
  const child = spawn(SLEEP[0], SLEEP.slice(1), { detached: true, stdio: "ignore" });
  child.unref();
  return child.pid!;
}

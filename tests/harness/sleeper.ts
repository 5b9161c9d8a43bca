/** A process that stands for a service: it sleeps, in a session of its own, until it is stopped. */

import { spawn } from "node:child_process";

/** Starts one. It ends by itself after five minutes, whatever a test forgets. */
export function startSleeper(): number {
  const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
  child.unref();
  return child.pid!;
}

/** A process that stands for a service: it sleeps, in a session of its own, until it is stopped. */

import { spawn } from "node:child_process";
import process from "node:process";
import { runtime } from "./runtime.ts";

/** A program that sleeps for five minutes. Windows has none of its own that needs no console. */
export function sleepCommand(): readonly [program: string, ...args: string[]] {
  if (process.platform !== "win32") return ["sleep", "300"];
  return [process.execPath, runtime === "deno" ? "eval" : "-e", "setTimeout(() => {}, 300_000)"];
}

/** Starts one. It ends by itself after five minutes, whatever a test forgets. */
export function startSleeper(): number {
  const [program, ...args] = sleepCommand();
  const child = spawn(program, args, { detached: true, stdio: "ignore" });
  child.unref();
  return child.pid!;
}

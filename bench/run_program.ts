/** Runs a program to its end, within a time. */

import { spawn } from "node:child_process";
import process from "node:process";
import { interrupted } from "./interruption.ts";

/** A program is given this long to clean up when its time is over. */
const GRACE_MS = 2000;

/**
 * Runs a program and gives what it printed.
 *
 * @param command the program and its arguments
 * @param timeoutMs when it is told to end; it is killed if it does not
 * @param env what to add to the environment
 * @throws when it cannot be started, fails, takes too long, or the whole is interrupted
 */
export async function runProgram(
  command: readonly string[],
  timeoutMs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  interrupted.throwIfAborted();
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => output += text);
  child.stderr.setEncoding("utf8").on("data", (text) => errors += text);
  const ask = (): unknown => child.kill("SIGTERM");
  interrupted.addEventListener("abort", ask);
  const asking = setTimeout(ask, timeoutMs);
  const forcing = setTimeout(() => child.kill("SIGKILL"), timeoutMs + GRACE_MS);
  try {
    const end = await new Promise<number | string | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(signal ?? code));
    });
    if (end !== 0) throw new Error(`${command.join(" ")} ended with ${end}: ${errors}`);
    return output;
  } finally {
    interrupted.removeEventListener("abort", ask);
    clearTimeout(asking);
    clearTimeout(forcing);
  }
}

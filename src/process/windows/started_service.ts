/**
 * Starting a service on Windows, with a console of its own.
 *
 * @module
 */

import { spawn } from "node:child_process";
import type { Child, ChildEnd, ChildStart } from "../../../ffi/host.ts";

/**
 * Starts a program with a console that nobody sees, by which it and what shares that can be asked to end.
 *
 * @throws what the runtime throws when it cannot be started
 */
export async function startWithConsole({ command: [program, ...args], cwd, env }: ChildStart): Promise<Child> {
  const child = spawn(program, args, { cwd, env, windowsHide: true, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<ChildEnd>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  return {
    pid: child.pid!,
    ended,
    readOutput(take: (bytes: Uint8Array) => void): Promise<void> {
      for (const output of [child.stdout, child.stderr]) output.on("data", take);
      return new Promise((resolve) => child.once("close", () => resolve()));
    },
  };
}

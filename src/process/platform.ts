/**
 * The one place that chooses how to ask the operating system about processes. Only the modules of this system are
 * loaded: every supervisor and every client pays for each module, in time and in memory.
 *
 * @module
 */

import process from "node:process";
import type { ProcessSystem } from "./process_system.ts";

const System = await load();
let chosen: ProcessSystem | undefined;

/** The processes of this operating system. Asking for them opens nothing. */
export function processSystem(): ProcessSystem {
  return chosen ??= new System();
}

/** Nothing of them may import this module: it waits for them. */
async function load(): Promise<new () => ProcessSystem> {
  switch (process.platform) {
    case "darwin":
      return (await import("./darwin/darwin_processes.ts")).DarwinProcesses;
    case "win32":
      return (await import("./windows/windows_processes.ts")).WindowsProcesses;
    default:
      return (await import("./linux/linux_processes.ts")).LinuxProcesses;
  }
}

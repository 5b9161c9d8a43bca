/**
 * The one place that chooses how to ask the operating system about processes.
 *
 * @module
 */

import process from "node:process";
import { DarwinProcesses } from "./darwin/darwin_processes.ts";
import { LinuxProcesses } from "./linux/linux_processes.ts";
import type { ProcessSystem } from "./process_system.ts";
import { WindowsProcesses } from "./windows/windows_processes.ts";

let chosen: ProcessSystem | undefined;

/** The processes of this operating system. Asking for them opens nothing. */
export function processSystem(): ProcessSystem {
  return chosen ??= choose();
}

function choose(): ProcessSystem {
  switch (process.platform) {
    case "darwin":
      return new DarwinProcesses();
    case "win32":
      return new WindowsProcesses();
    default:
      return new LinuxProcesses();
  }
}

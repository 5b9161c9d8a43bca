/**
 * The one place that chooses how to ask the operating system about processes.
 *
 * @module
 */

import { LinuxProcesses } from "./linux/linux_processes.ts";
import type { ProcessSystem } from "./process_system.ts";

let chosen: ProcessSystem | undefined;

/** The processes of this operating system. Asking for them opens nothing. */
export function processSystem(): ProcessSystem {
  return chosen ??= new LinuxProcesses();
}

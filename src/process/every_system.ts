/**
 * The processes of every operating system, for programs that do not wait for a supervisor to load them. Each entry of
 * the library imports this for what it does: it says how they are made, and makes none.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { DarwinProcesses } from "./darwin/darwin_processes.ts";
import { LinuxProcesses } from "./linux/linux_processes.ts";
import { provideSystem } from "./platform.ts";
import type { ProcessSystem } from "./process_system.ts";
import { WindowsProcesses } from "./windows/windows_processes.ts";

provideSystem(choose);

function choose(): ProcessSystem {
  switch (host().platform) {
    case "darwin":
      return new DarwinProcesses();
    case "win32":
      return new WindowsProcesses();
    default:
      return new LinuxProcesses();
  }
}

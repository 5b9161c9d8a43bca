/**
 * Loading the processes of this operating system, and of no other one.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { provideSystem } from "./platform.ts";

/** Makes `processSystem()` usable in a program that does without the rooms of other systems. */
export async function loadOwnSystem(): Promise<void> {
  switch (host().platform) {
    case "darwin": {
      const { DarwinProcesses } = await import("./darwin/darwin_processes.ts");
      return provideSystem(() => new DarwinProcesses());
    }
    case "win32": {
      const { WindowsProcesses } = await import("./windows/windows_processes.ts");
      return provideSystem(() => new WindowsProcesses());
    }
    default: {
      const { LinuxProcesses } = await import("./linux/linux_processes.ts");
      return provideSystem(() => new LinuxProcesses());
    }
  }
}

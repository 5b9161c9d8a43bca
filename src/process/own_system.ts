/**
 * Loading the processes of this operating system. Those of Linux come along everywhere: where they are used, they are
 * fetched with all other modules that way, and not after them.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { LinuxProcesses } from "./linux/linux_processes.ts";
import { provideSystem } from "./platform.ts";

/** Makes `processSystem()` usable in a program that does without the rooms of macOS and Windows, unless it runs there. */
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
    default:
      return provideSystem(() => new LinuxProcesses());
  }
}

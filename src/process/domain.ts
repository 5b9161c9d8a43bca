/**
 * Where this process lives: which boot of which kernel, and which of its namespaces.
 *
 * @module
 */

import { readProcFile, readProcLink } from "./proc_files.ts";

/** The places that a PID and a kernel object belong to. */
export interface Domain {
  /** The boot of the machine. */
  readonly boot: string;
  /** The PID namespace. */
  readonly pid: string;
  /** The IPC namespace. */
  readonly ipc: string;
}

let known: Domain | undefined;

/**
 * The domain of this process; an unknown part is empty.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`, `IO`
 */
export function domain(): Domain {
  return known ??= {
    boot: readProcFile("/proc/sys/kernel/random/boot_id")?.trim() ?? "",
    pid: readProcLink("/proc/self/ns/pid") ?? "",
    ipc: readProcLink("/proc/self/ns/ipc") ?? "",
  };
}

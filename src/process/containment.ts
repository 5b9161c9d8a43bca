/**
 * Keeping all that this process starts together, so that nothing of it outlives this process or is left when it is
 * stopped, wherever it went: what a process group and a parent-death signal are on Linux.
 *
 * @module
 */

import { processSystem } from "./platform.ts";
import type { Containment } from "./process_system.ts";

let containment: Containment | undefined;

/**
 * Begins to keep everything that this process starts together, where the system has that; once for all.
 *
 * @throws ProcrefError `PLATFORM`
 */
export function containChildren(): void {
  containment ??= processSystem().contain();
}

/** What keeps it together; undefined where nothing does. */
export function childrenContainment(): Containment | undefined {
  return containment;
}

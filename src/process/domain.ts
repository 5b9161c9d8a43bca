/**
 * Where this process lives: which boot of which kernel, and which of its namespaces.
 *
 * @module
 */

import { processSystem } from "./platform.ts";
import type { Domain } from "./process_system.ts";

export type { Domain };

/**
 * The domain of this process; an unknown part is empty.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`, `IO`
 */
export function domain(): Domain {
  return processSystem().domain();
}

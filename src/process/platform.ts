/**
 * The one place that asks how to ask the operating system about processes.
 *
 * A client knows the rooms of all systems, through {@link ./every_system.ts}. A supervisor, which clients wait for, loads
 * the one that it needs, by {@link ./own_system.ts}: the others cost it as much time as the start of its service.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import type { ProcessSystem } from "./process_system.ts";

let make: (() => ProcessSystem) | undefined;
let chosen: ProcessSystem | undefined;

/** Says how the processes of this operating system are to be had. Nothing is made yet. */
export function provideSystem(how: () => ProcessSystem): void {
  make = how;
}

/** The processes of this operating system. Asking for them opens nothing. */
export function processSystem(): ProcessSystem {
  return chosen ??= made();
}

function made(): ProcessSystem {
  if (make !== undefined) return make();
  throw new ProcrefError(
    "PLATFORM",
    "Cannot ask about processes: this module is part of the library and no entry to it",
  );
}

/** Whether the kernel keeps something for a name. */

import { counterOf } from "../../src/kernel/mechanisms.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { currentUser, type RefCounterOptions } from "../../src/kernel/open.ts";
import { keyOf, listedSet } from "../fixtures/sets.ts";
import { onWindows } from "./platform.ts";

/**
 * Whether there is a semaphore set. On Windows, where whoever looked at a counter keeps its section until it is closed,
 * whether anybody has a reference, the gate or the seat.
 */
export function isKept(name: string, options: RefCounterOptions = {}): boolean {
  if (!onWindows) return listedSet(keyOf(name, options)) !== undefined;
  using counter = counterOf(objectName(name, currentUser(), options), "handles");
  const { references, locked, seated } = counter.snapshot();
  return references > 0 || locked || seated;
}

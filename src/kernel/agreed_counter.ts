/**
 * The counter of a name whose mechanism is agreed on already.
 *
 * @module
 */

import { isAlone, loneSysvCounter } from "./lone_sysv_counter.ts";
import type { ObjectName } from "./object_name.ts";
import type { Mechanism, RefCounter } from "./ref_counter.ts";

/**
 * Opens the counter as somebody else has opened it just before, who has seen that the name is counted in no other way.
 *
 * @param directory the state directory, which the other one has checked
 * @throws ProcrefError those of opening
 */
export async function agreedCounter(object: ObjectName, mechanism: Mechanism, directory: string): Promise<RefCounter> {
  if (mechanism === "sysv" && isAlone(object, directory)) return loneSysvCounter(object, directory);
  // What there is of another mechanism may be a leftover, which all of them know how to tell and to remove.
  const { counterOf } = await import("./mechanisms.ts");
  return counterOf(object, mechanism, { directory, isChecked: true });
}

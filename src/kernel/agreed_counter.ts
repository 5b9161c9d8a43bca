/**
 * The counter of a name whose mechanism is agreed on already. Clients wait while their supervisor loads this, so the
 * usual mechanism comes alone.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { mismatch } from "./mismatch.ts";
import type { ObjectName } from "./object_name.ts";
import type { Mechanism, RefCounter } from "./ref_counter.ts";
import { isThere, slotsIn } from "./slots_path.ts";
import { SysvRefCounter } from "./sysv_ref_counter.ts";

/**
 * Opens the counter as somebody else has opened it just before, who has seen that the name is counted in no other way.
 * That is looked at once more when it has to be made anew.
 *
 * @param directory the state directory, which the other one has checked
 * @throws ProcrefError those of opening
 */
export async function agreedCounter(object: ObjectName, mechanism: Mechanism, directory: string): Promise<RefCounter> {
  if (mechanism === "sysv") {
    const lockFiles = slotsIn(directory, object);
    const isAlone = (): boolean => object.scope !== "user" || !isThere(libc(), lockFiles);
    if (isAlone()) {
      return new SysvRefCounter(object, libc(), () => {
        if (!isAlone()) throw mismatch(object, "sysv", "slots", `lock files in ${lockFiles}`);
      });
    }
  }
  // What there is of another mechanism may be a leftover, which all of them know how to tell and to remove.
  const { counterOf } = await import("./mechanisms.ts");
  return counterOf(object, mechanism, { directory, isChecked: true });
}
